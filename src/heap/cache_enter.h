/*
 * cache_enter.h - who is inside a slow path.
 */
#ifndef HEAP_CACHE_ENTER_H
#define HEAP_CACHE_ENTER_H

#include "heap/cache.h"

/*
 * From enter to leave the caller counts as inside a slow path: what its signal
 * handlers ask for and free goes elsewhere.  False when it is inside one
 * already, or the heap is off.  Takes no lock.
 */
bool cache_enter(struct cache *t);

/*
 * What each thread but the first must do before it takes a lock; part of
 * cache_enter().  See lock_mark_process().
 */
void cache_note_thread(struct cache *t);

/* Frees the list of what a handler freed inside a slow path. */
void cache_free_late(void *late);

static inline void cache_leave(struct cache *t)
{
	void *late = NULL;

	signal_fence();
	if (unlikely(t->late))
		late = __atomic_exchange_n(&t->late, NULL, __ATOMIC_RELAXED);
	t->state &= (uint8_t)~CACHE_BUSY;
	signal_fence();
	if (unlikely(late))
		cache_free_late(late);
}

#endif
