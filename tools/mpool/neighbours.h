/* SPDX-License-Identifier: MIT */
/*
 * neighbours.h - the callers of one function, or whom it calls.
 */
#ifndef MPOOL_NEIGHBOURS_H
#define MPOOL_NEIGHBOURS_H

#include "tally.h"

/* What is allocated on the ways that lead by here. */
struct neighbour {
	const char *name; /* not ended by zero: `length` bytes; NULL: nobody */
	size_t length;
	struct estimate value[2]; /* bytes, objects */
	const struct way *last;	  /* that came by */
};

struct neighbours {
	struct neighbour *all; /* those with most first */
	size_t count;
	struct estimate sum[2]; /* of the function and what it calls */
};

/*
 * The function is named in whole or without arguments and scope.  The order is
 * that of `value`, whose view they are of; who has nothing of it is left out.
 * False: there is no such function.  neighbours_free() is for either.
 */
bool neighbours_find(struct neighbours *neighbours, const struct tally *tally,
		     enum value value, const char *function, bool callers);

void neighbours_free(struct neighbours *neighbours);

#endif
