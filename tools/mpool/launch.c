/* SPDX-License-Identifier: MIT */
/*
 * launch.c - starts a program under libmpool.so and waits for it.
 */
#include "launch.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "heap/class.h"

static volatile pid_t child;

/* ld.so splits at both; it would say so again for every child. */
static const char *usable(const char *library)
{
	if (strpbrk(library, " :"))
		cli_die("%s: no library can be preloaded from a path with a "
			"space or a colon; copy it elsewhere and name that "
			"with --library",
			library);
	if (access(library, R_OK) < 0)
		cli_die("%s: %s", library, strerror(errno));
	return library;
}

const char *launch_library(const char *asked)
{
	static char path[PATH_MAX + 32];
	/* From the build folder on to where distributions put it. */
	static const char *const places[] = {
		"%s/libmpool.so",
		"%s/../lib/libmpool.so",
		"%s/../lib64/libmpool/libmpool.so",
		"%s/../lib/libmpool/libmpool.so",
		"%s/../lib/x86_64-linux-gnu/libmpool/libmpool.so",
		"%s/../lib/aarch64-linux-gnu/libmpool/libmpool.so",
		"%s/../lib/riscv64-linux-gnu/libmpool/libmpool.so",
	};
	char self[PATH_MAX], *slash;
	ssize_t length;

	if (asked) {
		if (!realpath(asked, path))
			cli_die("%s: %s", asked, strerror(errno));
		return usable(path);
	}
	length = readlink("/proc/self/exe", self, sizeof self - 1);
	self[length > 0 ? length : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		snprintf(path, sizeof path, places[i], self);
		if (access(path, F_OK) == 0)
			return usable(path);
	}
	cli_die("libmpool.so is neither in %s nor in ../lib or ../lib64; "
		"name it with --library",
		self);
}

const char *launch_border(const char *option, const char *value)
{
	uint64_t bytes = cli_size(option, value);

	if (bytes < CLASS_STEP || bytes > WIDE_MAX)
		cli_usage("%s: a border is %d to %d bytes, not '%s'", option,
			  CLASS_STEP, WIDE_MAX, value);
	return cli_format("%d", (int)bytes);
}

void launch_set(struct launch *launch, const char *name, const char *value)
{
	const char **slot;
	int i = 0;

	while (i < launch->variable_count &&
	       strcmp(launch->variables[i][0], name))
		i++;
	if (i == launch->variable_count)
		launch->variable_count++;
	slot = launch->variables[i];
	slot[0] = name;
	slot[1] = value;
}

char *launch_expand(const char *value, pid_t pid)
{
	const char *at = value;

	while ((at = strchr(at, '%')) && at[1] && at[1] != 'P')
		at += 2;
	if (!at || !at[1])
		return cli_format("%s", value);
	return cli_format("%.*s%ld%s", (int)(at - value), value, (long)pid,
			  at + 2);
}

static void set_variable(const char *name, const char *value)
{
	setenv(name, launch_expand(value, getpid()), 1);
}

static bool is_elf(const char *path)
{
	int fd = strchr(path, '/') ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	char head[SELFMAG] = { 0 };
	bool is = fd >= 0 && read(fd, head, SELFMAG) == SELFMAG &&
		  !memcmp(head, ELFMAG, SELFMAG);

	if (fd >= 0)
		close(fd);
	return is;
}

static _Noreturn void become_program(const struct launch *l,
				     const char *library)
{
	const char *before = getenv("LD_PRELOAD");
	char **argv = l->argv;
	int error;

	setenv("LD_PRELOAD",
	       before && *before ? cli_format("%s:%s", library, before)
				 : library,
	       1);
	setenv("MPOOL", "on", 1); /* it was asked for */
	for (int i = 0; i < l->variable_count; i++)
		set_variable(l->variables[i][0], l->variables[i][1]);
	if (l->gdb) {
		size_t count = 0;
		char **with;

		while (argv[count])
			count++;
		with = cli_alloc((count + 6) * sizeof *with);
		with[0] = "gdb";
		with[1] = "-q";
		with[2] = "-ex";
		with[3] = cli_format("set exec-wrapper env LD_PRELOAD=%s",
				     getenv("LD_PRELOAD"));
		with[4] = "--args";
		memcpy(with + 5, argv, (count + 1) * sizeof *with);
		unsetenv("LD_PRELOAD");
		argv = with;
	}
	sigprocmask(SIG_SETMASK, &l->mask, NULL);
	/* execvp() would have a shell read a binary of another machine. */
	if (!is_elf(argv[0]))
		execvp(argv[0], argv);
	else
		execv(argv[0], argv);
	error = errno;
	_exit(write(l->report, &error, sizeof error) < 0 ? 126 : 127);
}

static void pass_on(int signal_number, siginfo_t *info, void *context)
{
	(void)context;
	if (!child) { /* all that is left to do is mpool's own */
		signal(signal_number, SIG_DFL);
		raise(signal_number);
		return;
	}
	/* What a terminal sends goes to the program anyway. */
	if (info->si_code != SI_KERNEL)
		kill(child, signal_number);
	if (signal_number == SIGTSTP)
		raise(SIGSTOP);
}

/* SIGTERM and its like to the program; ^C is its own business. */
static void take_signals(void)
{
	static const int passed[] = { SIGHUP,  SIGINT,	SIGQUIT,
				      SIGTERM, SIGUSR1, SIGUSR2,
				      SIGCONT, SIGTSTP, SIGWINCH };
	struct sigaction action = { .sa_sigaction = pass_on,
				    .sa_flags = SA_SIGINFO | SA_RESTART };

	for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) {
		struct sigaction old;

		/* nohup's wish is the program's, too. */
		if (sigaction(passed[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(passed[i], &action, NULL);
	}
}

/* Why the program did not start; 0: it did. */
static int start_error(int fd)
{
	int error;
	ssize_t n;

	do
		n = read(fd, &error, sizeof error);
	while (n < 0 && errno == EINTR);
	close(fd);
	return n == sizeof error ? error : 0;
}

static void say_not_started(const char *name, int error)
{
	if (error == ENOENT && strchr(name, '/') && access(name, F_OK) == 0)
		cli_warn("%s: the interpreter or loader that it names is not "
			 "there",
			 name);
	else
		cli_warn("%s: %s", name, strerror(error));
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int launch_run(struct launch *launch)
{
	const char *library = launch_library(launch->library);
	double start = now();
	int report[2], error;
	sigset_t all;

	if (pipe2(report, O_CLOEXEC) < 0)
		cli_die("pipe: %s", strerror(errno));
	launch->report = report[1];
	/* None may come between the start and the handlers. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &launch->mask);
	fflush(NULL);
	clock_gettime(CLOCK_REALTIME_COARSE, &launch->began);
	launch->pid = fork();
	if (launch->pid < 0)
		cli_die("fork: %s", strerror(errno));
	if (!launch->pid)
		become_program(launch, library);
	close(report[1]);
	child = launch->pid;
	take_signals();
	sigprocmask(SIG_SETMASK, &launch->mask, NULL);
	error = start_error(report[0]);
	while (waitpid(launch->pid, &launch->status, 0) < 0)
		if (errno != EINTR)
			cli_die("wait: %s", strerror(errno));
	child = 0;
	launch->seconds = now() - start;
	launch->started = !error;
	if (error) {
		say_not_started(launch->gdb ? "gdb" : *launch->argv, error);
		return error == ENOENT ? 127 : 126;
	}
	if (WIFSIGNALED(launch->status))
		return 128 + WTERMSIG(launch->status);
	return WEXITSTATUS(launch->status);
}
