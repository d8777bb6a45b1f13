/*
 * run.h - a program that mpool run starts, and its end.
 */
#ifndef MPOOL_RUN_H
#define MPOOL_RUN_H

#include <stdbool.h>

#include "launch.h"

struct run {
	struct launch launch;
	/* What was asked for; NULL and 0: it was not. */
	const char *stats, *sample, *out, *suppressions;
	bool leaks, trace, quiet;
	int leak_status;
	char *profile, *log, *page; /* known at its end */
};

/* The program's name without its folder. */
const char *run_name(const struct run *r);

/*
 * Says what happened, and leaves no pages behind but that of a program that
 * was killed.  Returns the exit status to hand on; `status` is the program's.
 */
int run_end(struct run *r, int status);

#endif
