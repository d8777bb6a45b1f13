/* SPDX-License-Identifier: MIT */
/*
 * fixed_extents.h - where the blocks of a pool lie, sorted by address.
 *
 * Every function is called with the pool's lock held.
 */
#ifndef POOL_FIXED_EXTENTS_H
#define POOL_FIXED_EXTENTS_H

#include "base/common.h"

enum { EXTENTS_INSIDE = 16 /* that there is room for from the start */ };

struct extent {
	char *start, *end;
};

/* table[0..count) is sorted, and no two overlap.  count <= room. */
struct extents {
	struct extent *table;
	unsigned count, room, last; /* last: where the search found one */
	struct extent inside[EXTENTS_INSIDE];
};

void extents_init(struct extents *x);

/* Makes room for one more.  False: memory is out. */
bool extents_reserve(struct extents *x);

/* There is room for it. */
void extents_insert(struct extents *x, char *start, char *end);

/* The i-th. */
void extents_remove(struct extents *x, unsigned i);

/* The one that holds `p`; NULL: none.  O(log count). */
const struct extent *extents_find(struct extents *x, const void *p);

/* Makes it empty, as extents_init() does. */
void extents_clear(struct extents *x);

#endif
