/* SPDX-License-Identifier: MIT */
/*
 * slab_purge.h - gives back pages without a used object, in slabs that
 * something else still holds.
 */
#ifndef HEAP_SLAB_PURGE_H
#define HEAP_SLAB_PURGE_H

#include "heap/record.h"

/*
 * Gives back the memory of pages that hold no used object, in slabs that are
 * mostly free.  Returns bytes.  Caller holds the lock.
 */
size_t slab_purge(struct slabs *slabs);

/* One bit for each sixteenth of the slab that holds a used object. */
unsigned slab_used_parts(const struct slab *slab, unsigned c);

#endif
