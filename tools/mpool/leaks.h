/*
 * leaks.h - what a program has not freed, as text for people.
 */
#ifndef MPOOL_LEAKS_H
#define MPOOL_LEAKS_H

#include <stdio.h>

#include "tally.h"

struct leak_options {
	bool reachable;		  /* show these, too */
	const char *suppressions; /* a file; NULL: none */
	uint64_t older_ms;	  /* nothing younger */
	size_t lines;		  /* stacks shown; 0: all */
};

/* Without what is suppressed. */
struct leak_report {
	double lost_bytes, lost_count, reachable_bytes, unknown_bytes;
	size_t suppressed; /* stacks */
};

/* Sorts the profile's objects. */
void leaks_report(FILE *out, struct profile *profile,
		  const struct leak_options *options,
		  struct leak_report *report);

#endif
