/* SPDX-License-Identifier: MIT */
/*
 * heap.h - the small-object heap as a whole: start, fork, trim, check.
 */
#ifndef HEAP_HEAP_H
#define HEAP_HEAP_H

#include "base/fork_table.h"

/* Written once, by heap_start(). */
extern HIDDEN bool heap_on;

static inline bool heap_is_on(void)
{
	return __atomic_load_n(&heap_on, __ATOMIC_ACQUIRE);
}

/*
 * Sets the heap up at the first request, by any thread.  False when there is
 * no address space for it: it stays off.
 */
bool heap_start(void);

/* cache_enter() for those who may come first: starts the heap as well. */
struct cache;
bool heap_enter(struct cache *t);

/*
 * Defined by who puts the heap in the place of malloc: true when it must stay
 * off, since somebody else (a sanitizer) watches over malloc already.
 */
bool heap_vetoed(void) __attribute__((weak));

/*
 * The environment has been read: applies config.reserve, now if the heap is
 * in use already, else when it starts.
 */
void heap_configured(void);

/* A floor of the table of fork. */
void heap_fork(struct fork_table *t);

/*
 * Empties the caller's cache and the depots, and gives free memory back to the
 * kernel.  True when some was.
 */
bool heap_trim(void);

/*
 * Empties the same; slabs that are wholly free go to the space, for any class
 * to take.  False: the heap is off, or the thread inside a slow path.
 */
bool heap_gather(void);

/*
 * Another allocator has been refused: empties the same, and gives the address
 * space of all that is free up.
 */
void heap_yield(void);

/*
 * The process ends: the caller's cache and the depots are emptied into the
 * slabs, where a double free comes to light.
 */
void heap_finish(void);

#endif
