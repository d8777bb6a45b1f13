/* SPDX-License-Identifier: MIT */
/*
 * run.h - a program that mpool run starts, and its end.
 */
#ifndef MPOOL_RUN_H
#define MPOOL_RUN_H

#include <stdbool.h>
#include <stdio.h>

#include "launch.h"
#include "leaks.h"
#include "watch/snapshot.h"

struct run {
	struct launch launch;
	/* What was asked for; NULL and 0: it was not. */
	const char *stats, *sample, *out;
	const char *pattern; /* of names of profiles or logs, as in launch.h */
	const struct suppressions *known;
	bool leaks, trace, harden, quiet, guard;
	int leak_status;
	bool pageless;			     /* there is no place for a page */
	bool empty;			     /* nothing was sampled */
	const char *unread;		     /* what is wrong with the page */
	char *lent;			     /* where it is, in our memory */
	char *profile, *log, *page, *report; /* known at its end */
};

/* The program's name without its folder. */
const char *run_name(const struct run *r);

/*
 * Says what happened, and leaves no pages behind but that of a program that
 * was killed.  Returns the exit status to hand on; `status` is the program's.
 */
int run_end(struct run *r, int status);

/* Says where the memory went at the peak; false: nothing was sampled. */
bool run_answer(FILE *out, const struct profile *profile);

/* Says how much it was, and how to see where, of the profile at `path`. */
void run_peak(FILE *out, const struct profile *profile, const char *path);

/*
 * Says how much more wider pools would have served, and the setting for that,
 * if that is worth a word; as a part of the last line.
 */
void run_border(FILE *out, const struct snapshot *snapshot);

/* Files that children left; name: how they are called, with a *. */
struct children {
	char *name, **paths;
	size_t count;
};

/*
 * Finds what children left in this run beside the program's own file, which
 * is called `own`.
 */
void run_children(struct children *children, const struct run *r,
		  const char *own);

/*
 * Compresses the profiles that were left, but for small ones and for those of
 * processes that live on.
 */
void run_compress(const struct run *r, const struct children *children);

/* What the leak check found, in the program and in its children. */
struct verdict {
	bool checked; /* the program itself */
	struct leak_report own, children;
	size_t losing, looked_at; /* children */
	size_t unseen;		  /* children, known of by others' profiles */
};

/*
 * Reports what was lost, on stderr: of ten children at most.  Files of
 * children that lost nothing are removed, unless a profile was asked for.
 */
void run_leaks(struct verdict *v, const struct run *r,
	       struct children *children);

#endif
