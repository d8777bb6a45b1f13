/* SPDX-License-Identifier: MIT */
/*
 * leaks.h - what a program has not freed, as text for people.
 */
#ifndef MPOOL_LEAKS_H
#define MPOOL_LEAKS_H

#include <stdio.h>

#include "suppress.h"
#include "tally.h"

struct leak_options {
	bool reachable;			  /* show these, too */
	bool no_inline;			  /* without inlined functions */
	const struct suppressions *known; /* NULL: none */
	uint64_t older_ms;		  /* nothing younger */
	size_t lines;			  /* stacks shown; 0: all */
	bool json;			  /* in the place of text, with all */
};

/* Live objects of one stack and state. */
struct leak_group {
	uint32_t stack;
	enum object_state state;
	double count, bytes, variance; /* of bytes */
	double later_bytes;	       /* made in the later half of the run */
	uint64_t oldest_ms, newest_ms, samples;
};

/* Without what is suppressed. */
struct leak_report {
	double lost_bytes, lost_variance, lost_count;
	double indirect_bytes, indirect_count; /* of these */
	double reachable_bytes, unknown_bytes;
	size_t suppressed; /* stacks */
	bool whole;	   /* all that lived was looked at */
};

/* With --exit-code: nothing was lost, but not all was looked at. */
enum { LEAKS_UNCHECKED = 125 };

/*
 * Sets, for each stack that has not STACKS_NOT there, the first one of them
 * that reads the same.
 */
#define STACKS_NOT UINT32_MAX
void stacks_alike(const struct profile *profile, struct symbols *symbols,
		  uint32_t *first);

/*
 * Gives objects of stacks that read the same the first of them; but for those
 * of reachable ones alone, unless they are asked for.
 */
void leak_stacks_merge(struct profile *profile, struct symbols *symbols,
		       bool reachable);

/* A line a frame. */
void leak_stack_put(FILE *out, const struct stack *stack,
		    struct symbols *symbols);

const char *leaks_state(enum object_state state);

void leaks_json(FILE *out, const struct profile *profile,
		struct symbols *symbols, const struct leak_group *groups,
		size_t count, const struct leak_report *report);

/* Sorts the profile's objects. */
void leaks_report(FILE *out, struct profile *profile,
		  const struct leak_options *options,
		  struct leak_report *report);

#endif
