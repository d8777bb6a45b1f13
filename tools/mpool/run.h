/*
 * run.h - a program that mpool run starts, and its end.
 */
#ifndef MPOOL_RUN_H
#define MPOOL_RUN_H

#include <stdbool.h>
#include <stdio.h>

#include "launch.h"
#include "suppress.h"

struct run {
	struct launch launch;
	/* What was asked for; NULL and 0: it was not. */
	const char *stats, *sample, *out;
	const struct suppressions *known;
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

/*
 * "; its children left 3 more: app.*.mprof", if they did, in this run, beside
 * the program's own file `path`.
 */
void run_children(FILE *out, const struct run *r, const char *path);

#endif
