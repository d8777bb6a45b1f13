/* SPDX-License-Identifier: MIT */
/*
 * stats_acts.c - does to itself what makes writing statistics hard.
 *
 * Its arguments are acts, done one after the other:
 *   live N SIZE   allocates and keeps N objects
 *   pass N SIZE   allocates and frees N objects, one at a time
 *   closefrom     closes all descriptors above 2
 *   reuse FILE    closes all above 1, and lets FILE have every number to 1100
 *   chdir FOLDER, chroot FOLDER, setuid ID, exec PROGRAM
 *   fork          goes on in a child, while the parent waits
 *   _fork         the same, by the call that runs no atfork handlers
 *   detach        leaves, as a daemon does, a child that sleeps a minute; its
 * number is in daemon.pid kill NAME     sends itself USR2 or another signal,
 * and waits 0.3 s written FILE  waits till FILE ends in a new line, a minute at
 * most; %p is its own process id dump NAME     calls mpool_stats_dump(), prints
 * what it returned sandbox       refuses itself, on pain of death, all but read
 * and write, memory and the end limit N       sets N bytes as the size limit of
 * files unlink FILE threads N     N threads allocate and free, and are joined
 *   until FILE    waits till FILE is there, 20 s at most
 *   exit N, _exit N
 * Prints a line and exits 9 when it cannot do an act.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int done, const char *act)
{
	if (done)
		return;
	printf("%s: %s\n", act, strerror(errno));
	fflush(stdout);
	_exit(9);
}

static void allocate(int n, size_t size, int keep)
{
	for (int i = 0; i < n; i++) {
		void *volatile object = malloc(size);

		must(object != NULL, "malloc");
		if (!keep)
			free(object);
	}
}

static void *thread(void *unused)
{
	allocate(1000, 64, 0);
	return unused;
}

static void run_threads(int n)
{
	pthread_t threads[64];

	for (int i = 0; i < n; i++)
		must(!pthread_create(&threads[i], NULL, thread, NULL),
		     "threads");
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

/* Goes on in the child; the parent leaves as the child did. */
static void go_on_in_child(pid_t child)
{
	int status;

	must(child >= 0, "fork");
	if (!child)
		return;
	must(waitpid(child, &status, 0) == child, "waitpid");
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 8);
}

static void detach(void)
{
	pid_t child = fork();
	int fd;

	must(child >= 0, "detach");
	if (child) {
		FILE *number = fopen("daemon.pid", "w");

		must(number && fprintf(number, "%d", child) > 0 &&
			     !fclose(number),
		     "detach");
		exit(0);
	}
	setsid();
	fd = open("/dev/null", O_RDWR);
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	sleep(60);
}

static void send(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} known[] = {
		{ "USR1", SIGUSR1 },
		{ "USR2", SIGUSR2 },
		{ "HUP", SIGHUP },
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(name, known[i].name))
			must(!kill(getpid(), known[i].number), "kill");
	/* The signal cuts the first one short. */
	usleep(300000);
	usleep(300000);
}

static void dump(const char *target)
{
	int (*stats_dump)(const char *);
	int result;

	*(void **)&stats_dump = dlsym(RTLD_DEFAULT, "mpool_stats_dump");
	must(stats_dump != NULL, "dump");
	errno = 0;
	result = stats_dump(*target ? target : NULL);
	printf("dump %d %s\n", result, strerrorname_np(errno));
}

static void reuse(const char *file)
{
	int fd;

	closefrom(2);
	fd = open(file, O_RDWR | O_CREAT, 0600);
	must(fd == 2, "reuse");
	while (dup(2) >= 0 && fd < 1100)
		fd++;
}

static void wait_until(const char *file)
{
	for (int i = 0; i < 400 && access(file, F_OK); i++)
		usleep(50000);
}

static void wait_for_text(const char *file)
{
	char name[256], last = 0;

	if (!strncmp(file, "%p", 2)) {
		snprintf(name, sizeof name, "%d%s", getpid(), file + 2);
		file = name;
	}
	for (int i = 0; i < 1200 && last != '\n'; i++) {
		int fd = open(file, O_RDONLY);

		if (lseek(fd, -1, SEEK_END) < 0 || read(fd, &last, 1) != 1)
			usleep(50000);
		close(fd);
	}
	must(last == '\n', "written");
}

#define ALLOW(call)                                                            \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1),                 \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void sandbox(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		ALLOW(read),
		ALLOW(write),
		ALLOW(exit_group),
		ALLOW(futex),
		ALLOW(mmap),
		ALLOW(munmap),
		ALLOW(mprotect),
		ALLOW(madvise),
		ALLOW(brk),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { sizeof filter / sizeof *filter, filter };

	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "sandbox");
	must(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "sandbox");
}

static void limit(rlim_t bytes)
{
	struct rlimit limit = { bytes, bytes };

	must(!setrlimit(RLIMIT_FSIZE, &limit), "limit");
}

static const char *next(char ***arguments)
{
	must(**arguments != NULL, "argument");
	return *(*arguments)++;
}

static int number(char ***arguments)
{
	return atoi(next(arguments));
}

static void perform(const char *act, char ***rest)
{
	int keep = !strcmp(act, "live");
	int n;

	if (keep || !strcmp(act, "pass")) {
		n = number(rest);
		allocate(n, (size_t)number(rest), keep);
	} else if (!strcmp(act, "closefrom")) {
		closefrom(3);
	} else if (!strcmp(act, "reuse")) {
		reuse(next(rest));
	} else if (!strcmp(act, "chdir")) {
		must(!chdir(next(rest)), act);
	} else if (!strcmp(act, "chroot")) {
		must(!chroot(next(rest)) && !chdir("/"), act);
	} else if (!strcmp(act, "setuid")) {
		must(!setuid((uid_t)number(rest)), act);
	} else if (!strcmp(act, "exec")) {
		execv(**rest, *rest);
		must(0, act);
	} else if (!strcmp(act, "fork")) {
		fflush(stdout);
		go_on_in_child(fork());
	} else if (!strcmp(act, "_fork")) {
		fflush(stdout);
		go_on_in_child(_Fork());
	} else if (!strcmp(act, "detach")) {
		detach();
	} else if (!strcmp(act, "kill")) {
		send(next(rest));
	} else if (!strcmp(act, "dump")) {
		dump(next(rest));
	} else if (!strcmp(act, "sandbox")) {
		sandbox();
	} else if (!strcmp(act, "limit")) {
		limit((rlim_t)number(rest));
	} else if (!strcmp(act, "until")) {
		wait_until(next(rest));
	} else if (!strcmp(act, "written")) {
		wait_for_text(next(rest));
	} else if (!strcmp(act, "unlink")) {
		must(!unlink(next(rest)), act);
	} else if (!strcmp(act, "threads")) {
		run_threads(number(rest));
	} else if (!strcmp(act, "exit")) {
		exit(number(rest));
	} else if (!strcmp(act, "_exit")) {
		_exit(number(rest));
	} else {
		errno = EINVAL;
		must(0, act);
	}
}

int main(int argc, char **argv)
{
	char **rest = argv + 1;

	(void)argc;
	while (*rest) {
		const char *act = next(&rest);

		perform(act, &rest);
	}
	return 0;
}
