/* SPDX-License-Identifier: MIT */
/*
 * part.h - the first slabs are committed in part.
 *
 * Each class has a slab from the start, for its reserve: whole ones are 512 KiB
 * of what RLIMIT_DATA counts, and most of it is never touched.  So two
 * neighbours are usable where they meet, which is one call to the kernel and
 * one mapping, and each by itself becomes whole when its class needs more.
 *
 *   |      [ slab 0 |  slab 1 ]      |      [ slab 2 |  slab 3 ]      | ...
 */
#ifndef HEAP_PART_H
#define HEAP_PART_H

#include "heap/space.h"

enum { PART_SLABS = 8, PART_UNIT = 4096 };

/* Usable units; 0: all.  Written by who owns the slab, or hands it out. */
extern HIDDEN uint8_t part_units[PART_SLABS];

/* Usable bytes of slab `d`: from the first one up to the other. */
struct part {
	unsigned from, to;
};

struct part part_of(size_t d);

static inline bool part_is_whole(size_t d)
{
	return d >= PART_SLABS ||
	       !__atomic_load_n(&part_units[d], __ATOMIC_RELAXED);
}

/* Bytes of slab `d` that are not usable. */
uint32_t part_lacks(size_t d);

/*
 * Commits `bytes` of fresh slab `d`, and as much of its neighbour when that is
 * the next one.  Returns how many slabs are usable now.
 */
size_t part_commit(size_t d, size_t bytes);

/* Makes a slab whole.  False when refused. */
bool part_complete(size_t d);

/* It is nobody's, and not committed. */
void part_forget(size_t d);

#endif
