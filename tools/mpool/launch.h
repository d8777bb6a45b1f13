/* SPDX-License-Identifier: MIT */
/*
 * launch.h - starts a program under libmpool.so and waits for it.
 */
#ifndef MPOOL_LAUNCH_H
#define MPOOL_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct launch {
	char **argv;
	const char *library; /* NULL: found beside mpool, or where installed */
	bool gdb;	     /* under gdb */
	const char *variables[16][2]; /* name and value; %P is the child's id */
	int variable_count;
	/* Results. */
	pid_t pid;
	bool started;
	int status; /* as of wait(2) */
	double seconds;
	struct timespec began; /* by the clock that files are stamped with */
	/* From the start to the program. */
	int report; /* descriptor: why it cannot be executed, an errno */
	sigset_t mask;
};

/* libmpool.so's path, or the end of the program. */
const char *launch_library(const char *asked);

/* A border as MPOOL_SMALL_MAX takes it, or the end: `option` has a bad one. */
const char *launch_border(const char *option, const char *value);

/* Has an environment variable set for the program; the last value counts. */
void launch_set(struct launch *launch, const char *name, const char *value);

/* %P becomes the process id, once; %% and others stay. */
char *launch_expand(const char *value, pid_t pid);

/*
 * Starts the program; signals that ask mpool to end go on to it.  Returns the
 * exit status to hand on: the program's own, 128 + signal, 127 not found, 126
 * not executable; the latter two have been said.
 */
int launch_run(struct launch *launch);

#endif
