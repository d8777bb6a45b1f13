/* SPDX-License-Identifier: MIT */
/*
 * merge.h - several profiles as one.
 */
#ifndef MPOOL_MERGE_H
#define MPOOL_MERGE_H

#include "symbols.h"

/* A sum of nothing yet, which goes by the name of the `first`. */
void merge_start(struct profile *sum, const struct profile *first);

/*
 * Adds stacks and sites, with their names; `named`: the program's name is the
 * outermost function of each stack.  Live objects are left out.
 */
void merge_add(struct profile *sum, const struct profile *profile,
	       struct symbols *symbols, bool named);

#endif
