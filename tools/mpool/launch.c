/*
 * launch.c - starts a program under libmpool.so and waits for it.
 */
#include <stdbool.h>

#include "launch.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

static volatile pid_t child;

const char *launch_library(const char *asked)
{
	static char path[PATH_MAX + 32];
	static const char *const places[] = {
		"%s/libmpool.so", "%s/../lib/libmpool.so",
		"%s/../lib/x86_64-linux-gnu/libmpool.so",
		"%s/../lib/aarch64-linux-gnu/libmpool.so",
	};
	char self[PATH_MAX], *slash;
	ssize_t length;

	if (asked) {
		if (access(asked, R_OK) < 0)
			cli_die("%s: %s", asked, strerror(errno));
		if (!realpath(asked, path))
			cli_die("%s: %s", asked, strerror(errno));
		return path;
	}
	length = readlink("/proc/self/exe", self, sizeof self - 1);
	self[length > 0 ? length : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		snprintf(path, sizeof path, places[i], self);
		if (access(path, R_OK) == 0)
			return path;
	}
	cli_die("libmpool.so is neither in %s nor in ../lib; "
		"name it with --library", self);
}

void launch_set(struct launch *launch, const char *name, const char *value)
{
	const char **slot = launch->variables[launch->variable_count++];

	slot[0] = name;
	slot[1] = value;
}

/* In the child: %P in a value becomes its process id. */
static void set_variable(const char *name, const char *value)
{
	const char *at = strstr(value, "%P");

	if (at)
		value = cli_format("%.*s%ld%s", (int)(at - value), value,
				   (long)getpid(), at + 2);
	setenv(name, value, 1);
}

static _Noreturn void become_program(const struct launch *l,
				     const char *library)
{
	const char *before = getenv("LD_PRELOAD");
	char **argv = l->argv;

	set_variable("LD_PRELOAD",
		     before && *before ? cli_format("%s:%s", library, before)
				       : library);
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
	execvp(argv[0], argv);
	/* Said plainly: the library is loaded into this process no more. */
	cli_warn("%s: %s", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void pass_on(int signal_number, siginfo_t *info, void *context)
{
	(void)context;
	/* What a terminal sends goes to the program anyway. */
	if (child > 0 && info->si_code != SI_KERNEL)
		kill(child, signal_number);
}

/* SIGTERM and its like to the program; ^C is its own business. */
static void take_signals(void)
{
	static const int passed[] = { SIGHUP,  SIGINT,	SIGQUIT, SIGTERM,
				      SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH };
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

	fflush(NULL);
	launch->pid = fork();
	if (launch->pid < 0)
		cli_die("fork: %s", strerror(errno));
	if (!launch->pid)
		become_program(launch, library);
	child = launch->pid;
	take_signals();
	while (wait4(launch->pid, &launch->status, 0, &launch->usage) < 0)
		if (errno != EINTR)
			cli_die("wait: %s", strerror(errno));
	child = 0;
	launch->seconds = now() - start;
	if (WIFSIGNALED(launch->status))
		return 128 + WTERMSIG(launch->status);
	return WEXITSTATUS(launch->status);
}
