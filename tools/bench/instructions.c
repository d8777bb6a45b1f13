/* SPDX-License-Identifier: MIT */
/*
 * instructions.c - counts the instructions that one call of the malloc family
 * executes, by stepping through it one instruction at a time.  The figures do
 * not depend on how busy the machine is, so a test can guard them.
 *
 *	instructions [-p PRELOAD]                 prints "ROW COUNT" lines
 *	instructions [-p PRELOAD] -c LIMITS       the same; exits with 1 and
 *	                                          names every row above its
 *limit instructions [-p PRELOAD] -d ROW          prints every address stepped
 *	                                          through, as LIBRARY+OFFSET
 *	(long forms: --preload, --check, --dump)
 *
 * A row runs in a process of its own with PRELOAD in LD_PRELOAD: it warms up,
 * then executes a breakpoint, the loop that is counted, and a breakpoint.
 * COUNT is what lay between the two, divided by the operations: the loop, the
 * call and its jump through the PLT are in it, but for the rows of pairs,
 * from which the same loop over two empty functions is taken off.
 *
 * LIMITS has lines "ROW LIMIT" and "# comment".  A limit is a number, or
 * "plain+NUMBER": that much above the same row without PRELOAD.
 */
#include <stdio.h>

#if !defined(__x86_64__)

int main(void)
{
	fprintf(stderr, "instructions: works on x86-64 only\n");
	return 2;
}

#else

#include <getopt.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include "instructions.h"

#define FAILED (-1.0)

/* Becomes this program with the allocator in front; then runs the row. */
static void become_child(const struct row *r, const char *preload)
{
	unsetenv("LD_PRELOAD");
	if (preload)
		setenv("LD_PRELOAD", preload, 1);
	execl("/proc/self/exe", "instructions", "--child", r->name, NULL);
	_exit(127);
}

static void be_child(const struct row *r)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(126);
	r->run(r->size, r->operations);
	_exit(0);
}

/* Prints "LIBRARY+OFFSET", the offset being that of the disassembler. */
static void print_address(pid_t pid, unsigned long address)
{
	char line[4096], path[4096], last[4096] = "";
	unsigned long start, end, base = 0;
	FILE *maps;

	snprintf(line, sizeof(line), "/proc/%d/maps", (int)pid);
	maps = fopen(line, "r");
	while (maps && fgets(line, sizeof(line), maps)) {
		path[0] = 0;
		if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %4095s", &start, &end,
			   path) < 2)
			continue;
		if (strcmp(path, last))
			base = start;
		strcpy(last, path);
		if (address >= start && address < end)
			break;
	}
	if (maps)
		fclose(maps);
	printf("%s+0x%lx\n", last, address - base);
}

static int is_breakpoint(pid_t pid)
{
	siginfo_t info;

	return !ptrace(PTRACE_GETSIGINFO, pid, NULL, &info) &&
	       info.si_signo == SIGTRAP && info.si_code == SI_KERNEL;
}

/*
 * Instructions for each operation of the row, its loop included, or FAILED.
 * `dump` prints each instruction's address before it is executed.
 */
static double count(const struct row *r, const char *preload, int dump)
{
	pid_t pid = fork();
	int status, counting = 0;
	long steps = 0;

	if (!pid)
		become_child(r, preload);
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		int signal = WSTOPSIG(status);

		if (is_breakpoint(pid)) {
			if (counting++) {
				kill(pid, SIGKILL);
				waitpid(pid, &status, 0);
				return (double)steps / r->operations;
			}
		} else if (counting) {
			steps++;
		}
		if (dump && counting) {
			struct user_regs_struct registers;

			ptrace(PTRACE_GETREGS, pid, NULL, &registers);
			print_address(pid, registers.rip);
		}
		ptrace(counting ? PTRACE_SINGLESTEP : PTRACE_CONT, pid, NULL,
		       signal == SIGTRAP ? 0 : signal);
	}
	fprintf(stderr, "instructions: %s: stopped early, status 0x%x%s\n",
		r->name, (unsigned)status,
		WIFEXITED(status) && WEXITSTATUS(status) == 126
			? " (ptrace is not allowed here)"
			: "");
	return FAILED;
}

static double count_without_loop(const struct row *r, const char *preload)
{
	static double loop = FAILED;
	double all = count(r, preload, 0);

	if (!r->without_loop || all < 0)
		return all;
	if (loop < 0)
		loop = count(&rows[0], NULL, 0);
	return all - loop;
}

/* The limit of a row, rounded as it is written, or FAILED for none. */
static double limit_of(const struct row *r, FILE *limits)
{
	char line[256], name[64], text[64];
	double limit = FAILED;

	rewind(limits);
	while (limit < 0 && fgets(line, sizeof(line), limits)) {
		if (sscanf(line, " %63[^# \t\n] %63s", name, text) != 2 ||
		    strcmp(name, r->name))
			continue;
		if (!strncmp(text, "plain+", 6))
			limit = count_without_loop(r, NULL) +
				strtod(text + 6, NULL);
		else
			limit = strtod(text, NULL);
	}
	return limit;
}

/* Prints all rows; returns how many failed or are above their limit. */
static int report(const char *preload, FILE *limits)
{
	int bad = 0;

	for (const struct row *r = rows; r < rows + ROWS; r++) {
		double n = count_without_loop(r, preload);
		double limit = limits ? limit_of(r, limits) : FAILED;
		/* 20.4 meets a limit of 20: limits are whole numbers. */
		int above = n < 0 || (limit >= 0 && n >= limit + 0.5);

		printf("%-24s %7.1f", r->name, n);
		if (limit >= 0)
			printf("  limit %5.1f  %s", limit,
			       above ? "ABOVE" : "ok");
		putchar('\n');
		fflush(stdout);
		bad += above;
	}
	return bad;
}

static const struct row *find(const char *name)
{
	for (const struct row *r = rows; r < rows + ROWS; r++)
		if (!strcmp(r->name, name))
			return r;
	fprintf(stderr, "instructions: no row \"%s\"\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "preload", required_argument, NULL, 'p' },
		{ "check", required_argument, NULL, 'c' },
		{ "dump", required_argument, NULL, 'd' },
		{ "child", required_argument, NULL, 'C' },
		{ NULL, 0, NULL, 0 }
	};
	const char *preload = NULL, *dump = NULL;
	FILE *limits = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "p:c:d:", options, NULL)) !=
	       -1) {
		if (option == 'p') {
			preload = optarg;
		} else if (option == 'd') {
			dump = optarg;
		} else if (option == 'C') {
			be_child(find(optarg));
		} else if (option != 'c') {
			return 2;
		} else if (!(limits = fopen(optarg, "r"))) {
			perror(optarg);
			return 2;
		}
	}
	if (dump)
		return count(find(dump), preload, 1) < 0;
	return report(preload, limits) ? 1 : 0;
}

#endif
