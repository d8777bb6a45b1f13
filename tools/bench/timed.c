/* SPDX-License-Identifier: MIT */
/*
 * timed.c - runs a command and tells what it took.
 *
 *	timed [-n TIMES] [-p PRELOAD] COMMAND [ARGUMENT...]
 *
 * Prints "WALL CPU PEAK": seconds by the wall clock and seconds of processor
 * time (user and system) a run, and the peak resident memory in KiB of its
 * largest process.  The command's output goes to /dev/null.  The kernel counts
 * what a process holds before it executes the command as the command's own, so
 * the fork has to be that of a program as small as this one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int usage(void)
{
	fprintf(stderr, "usage: timed [-n TIMES] [-p PRELOAD] COMMAND...\n");
	return 2;
}

static pid_t start(char **command)
{
	pid_t pid = fork();

	if (!pid) {
		int quiet = open("/dev/null", O_WRONLY);

		dup2(quiet, STDOUT_FILENO);
		close(quiet);
		execvp(command[0], command);
		perror(command[0]);
		_exit(127);
	}
	return pid;
}

int main(int argc, char **argv)
{
	double begin, cpu = 0;
	long times = 1, peak = 0;
	int option;

	while ((option = getopt(argc, argv, "+n:p:")) != -1) {
		if (option == 'n')
			times = strtol(optarg, NULL, 10);
		else if (option != 'p')
			return usage();
		else if (*optarg)
			setenv("LD_PRELOAD", optarg, 1);
	}
	if (optind == argc || times < 1)
		return usage();
	begin = now();
	for (long i = 0; i < times; i++) {
		pid_t pid = start(argv + optind);
		struct rusage use;
		int status;

		while (wait4(pid, &status, 0, &use) < 0)
			if (errno != EINTR)
				return 1;
		if (!WIFEXITED(status) || WEXITSTATUS(status)) {
			fprintf(stderr, "timed: %s failed, status 0x%x\n",
				argv[optind], (unsigned)status);
			return 1;
		}
		cpu += seconds(use.ru_utime) + seconds(use.ru_stime);
		if (use.ru_maxrss > peak)
			peak = use.ru_maxrss;
	}
	printf("%.6f %.6f %ld\n", (now() - begin) / (double)times,
	       cpu / (double)times, peak);
	return 0;
}
