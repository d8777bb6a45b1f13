/* SPDX-License-Identifier: MIT */
/*
 * web.h - profiles as a page for the browser, which needs nothing else.
 */
#ifndef MPOOL_WEB_H
#define MPOOL_WEB_H

#include <stdio.h>

#include "tally.h"
#include "web_stacks.h"

struct web_options {
	enum value value; /* shown at first */
	bool graph_alone; /* without tables and all else */
	bool diff;	  /* the stacks are a difference of two profiles */
	bool has_peak;	  /* and what was short-lived */
	bool has_leaks;	  /* they were looked for */
	const char *title;
	const char *about; /* of that value, from a comma on; or NULL */
	const struct snapshot *pools; /* what they did; NULL: unknown */
};

/* profiles: `count` of what ran. */
void web_put(FILE *out, const struct web_stacks *stacks,
	     const struct profile *profiles, size_t count,
	     const struct web_options *options);

#endif
