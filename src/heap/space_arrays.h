/* SPDX-License-Identifier: MIT */
/*
 * space_arrays.h - what is kept for each slab: arrays beside the window.
 *
 * Every function is called with the space's lock held, or at its start.
 */
#ifndef HEAP_SPACE_ARRAYS_H
#define HEAP_SPACE_ARRAYS_H

#include "heap/space.h"

/* Where the words of all slab sets begin; they grow down (slab_set.h). */
extern HIDDEN uint64_t *space_sets;

/* Bytes of a slab in each of slab.c's arrays.  Called once, first. */
void arrays_describe(const size_t record_bytes[SPACE_ARRAYS]);

/* Returns how many bytes below a window the arrays may span. */
size_t arrays_span(void);

/*
 * Has them below `base`, for `slabs` to begin with.  False when others are
 * there or the kernel refuses.
 */
bool arrays_start(uintptr_t base, size_t slabs);

/* Maps zeroed memory for the slabs below `end`.  False when refused. */
bool arrays_cover(size_t end);

#endif
