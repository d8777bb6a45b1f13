/* SPDX-License-Identifier: MIT */
/*
 * cache_enter.h - who is inside a slow path.
 */
#ifndef HEAP_CACHE_ENTER_H
#define HEAP_CACHE_ENTER_H

#include "heap/cache.h"

/*
 * Marks the thread as inside a slow path; false: it is already.  In one step:
 * what a handler does comes before it or fails to enter, and what it leaves
 * changed (a cache that has become ready) stays so.
 */
static inline bool cache_claim(struct cache *t)
{
	bool claimed =
		!(__atomic_fetch_or(&t->state, CACHE_BUSY, __ATOMIC_RELAXED) &
		  CACHE_BUSY);

	signal_fence();
	return claimed;
}

/*
 * From enter to leave the caller counts as inside a slow path: what its signal
 * handlers ask for and free goes elsewhere.  False when it is inside one
 * already.  The heap need not be there yet: heap_enter().  Takes no lock.
 */
bool cache_enter(struct cache *t);

/*
 * What each thread but the first must do before it takes a lock; part of
 * cache_enter().  See lock_mark_process().  Before the thread is marked as
 * inside, since another allocator is called, which a handler that is inside
 * must not find at work.
 */
void cache_note_thread(struct cache *t);

/*
 * A hook: a thread other than the first is about to use the heap.  Called
 * again and again, outside of slow paths, without a lock.
 */
void heap_has_threads(void) __attribute__((weak));

/*
 * What a handler frees inside a slow path waits here, and goes to the centre
 * when the thread leaves.
 */
void cache_push_late(struct cache *t, void *object);
void cache_free_late(struct cache *t);

/* What comes late in between finds the mark, or finds it gone. */
static inline void cache_leave(struct cache *t)
{
	signal_fence();
	t->state &= (uint8_t)~CACHE_BUSY;
	signal_fence();
	if (unlikely(t->late))
		cache_free_late(t);
}

#endif
