/*
 * reserve.h - elements kept aside for the day when the source fails, and the
 * queue of those who wait for one.
 *
 * The promise of the kernel's mempool (mm/mempool.c): min_nr elements are
 * there before they are needed, are used only when the source fails, and are
 * refilled first by frees.  Waiters queue first in, first out; a free hands
 * its element to the head of the queue and wakes that one alone.
 *
 * Every function is called with the owner's lock held, the same one each time.
 */
#ifndef HEAP_RESERVE_H
#define HEAP_RESERVE_H

#include "base/lock.h"

struct waiter;

/* current <= min; elements[0..current) are free; a waiter implies current 0. */
struct reserve {
	void **elements;
	size_t min, current;
	uint64_t used;	/* elements taken since start */
	uint64_t waits; /* calls that slept */
	struct waiter *first, *last;
};

static inline bool reserve_wants(const struct reserve *r)
{
	return r->current < r->min || r->first;
}

/* The element returned last; NULL when the reserve is empty. */
void *reserve_take(struct reserve *r);

/*
 * Hands the element to the first waiter, or keeps it when fewer than min are
 * there.  False: not wanted, the caller gives it back to the source.
 */
bool reserve_give(struct reserve *r, void *element);

/*
 * Sleeps until an element is handed over or `timeout_ms` (negative: for ever)
 * is over; then NULL.  Gives `lock` up while asleep.
 */
void *reserve_wait(struct reserve *r, struct lock *lock, int64_t timeout_ms);

#endif
