/* SPDX-License-Identifier: MIT */
/*
 * slab_check.h - asks the bitmaps: for checks, for naming crimes, and to make
 * list and counts anew.
 */
#ifndef HEAP_SLAB_CHECK_H
#define HEAP_SLAB_CHECK_H

#include "heap/slab.h"

/*
 * True when `p` is exactly an object of its class that is marked used.  For
 * checks and for naming crimes; takes no lock.
 */
bool slab_object_used(const void *p);

/*
 * Marks a used object of class `c` free, and back, without any count: for
 * checks.  False: it is free, or no object of the class.
 */
bool slab_mark(const void *p, unsigned c);
void slab_unmark(const void *p, unsigned c);

/*
 * Makes list and counts anew from the bitmaps, where a lost holder of the lock
 * may have left them half changed.
 */
void slab_rebuild(struct slabs *slabs);

/* Walks the invariants of struct slabs and of the records.  Caller holds the
 * lock. */
void slab_check(const struct slabs *slabs);

#endif
