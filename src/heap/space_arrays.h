/*
 * space_arrays.h - what is kept for each slab: arrays beside the window.
 *
 * Every function is called with the space's lock held, or at its start.
 */
#ifndef HEAP_SPACE_ARRAYS_H
#define HEAP_SPACE_ARRAYS_H

#include "heap/space.h"

enum { ARRAY_OFFSET = 1024 }; /* where in their page two arrays meet */

/* Where the words of all slab sets begin; they grow down (slab_set.h). */
extern HIDDEN uint64_t *space_sets;

/* Bytes of a slab in each of slab.c's arrays.  Called once, first. */
void arrays_describe(const size_t record_bytes[SPACE_ARRAYS]);

/* The arrays lie below `base` now.  Returns how many bytes they may span. */
size_t arrays_place(uintptr_t base);

/* Maps zeroed memory for the slabs below `end`.  False when refused. */
bool arrays_cover(size_t end);

/* The reverse, for another place. */
void arrays_unmap(void);

#endif
