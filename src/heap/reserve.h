/* SPDX-License-Identifier: MIT */
/*
 * reserve.h - elements kept aside for the day when the source fails, and the
 * queue of those who wait for one.
 *
 * The promise of the kernel's mempool (mm/mempool.c): min_nr elements are
 * there before they are needed, are used only when the source fails, and are
 * refilled first by frees.  Waiters queue first in, first out; a free hands
 * its element to the head of the queue and wakes that one alone.
 *
 * One code for the small heap (central.c) and for the mempools of libmempool.
 * Every function is called with the owner's lock held, the same one each time,
 * except where it says otherwise.
 */
#ifndef HEAP_RESERVE_H
#define HEAP_RESERVE_H

#include <time.h>

#include "base/list.h"
#include "base/lock.h"

/* What became of a waiter; only `waiting` and `asleep` can still change. */
enum waiter_state {
	WAITER_WAITING, /* in the queue */
	WAITER_ASLEEP,	/* in the queue, and in need of a wake */
	WAITER_HANDED,	/* out of it: has all that it wanted */
	WAITER_CANCELED /* out of it: the reserve goes away */
};

/*
 * Somebody in the queue, on the stack of the thread that waits.
 *
 * Elements go into the empty (NULL) ones of `slots`, of which there are
 * `missing`.  Owner: the reserve's lock, until `state` is HANDED or CANCELED:
 * then nobody but the thread itself knows of it.
 */
struct waiter {
	struct link link;
	void **slots;
	size_t missing;
	uint32_t state; /* futex word, enum waiter_state */
	bool is_next;	/* nobody was before it: its turn comes soon */
	bool is_behind; /* lets those go on who were handed one: cache_wait.c */
};

/*
 * current <= min; elements[0..current) are free; a sleeper who is not behind
 * others implies current 0.
 */
struct reserve {
	void **elements;
	size_t min, current;
	uint64_t used;	/* elements taken since start */
	uint64_t waits; /* calls that slept */
	struct list queue;
};

/* Whose turn is next; NULL: nobody waits. */
static inline struct waiter *reserve_first(const struct reserve *r)
{
	return list_first(&r->queue, struct waiter, link);
}

static inline bool reserve_wants(const struct reserve *r)
{
	return r->current < r->min || !list_empty(&r->queue);
}

/* The element returned last; NULL when the reserve is empty. */
void *reserve_take(struct reserve *r);

/*
 * Hands the element to the first waiter, or keeps it when fewer than min are
 * there.  False: not wanted, the caller gives it back to the source.
 */
bool reserve_give(struct reserve *r, void *element);

/*
 * The same, but leaves the wake to the caller, who does it when the lock is
 * released: the woken thread then finds it free.  *wake is for reserve_wake().
 */
bool reserve_put(struct reserve *r, void *element, uint32_t **wake);

/*
 * Without the lock.  The waiter may be gone by then, for it needs no lock to
 * go: the address is only named to the kernel, and a wake too many is what
 * every sleeper on a futex must expect.
 */
void reserve_wake(uint32_t *wake);

/*
 * Goes to the end of the queue for `missing` (at least one) of `slots`.  Who
 * does something else between two sleeps does not lose its place.
 */
void reserve_join(struct reserve *r, struct waiter *w, void **slots,
		  size_t missing);

/*
 * The same, but to its head: its turn had come, and what it was told of is
 * somebody else's.
 */
void reserve_rejoin(struct reserve *r, struct waiter *w, void **slots,
		    size_t missing);

/* Gives a waiter in the queue one element of its own making, out of turn. */
void reserve_serve(struct reserve *r, struct waiter *w, void *element);

/*
 * Leaves the queue, empty-handed or with part of what it wanted.  False: it is
 * out of it already, by WAITER_HANDED or WAITER_CANCELED.
 */
bool reserve_leave(struct reserve *r, struct waiter *w);

/* Whether it is in the queue, which is asked from its end. */
bool reserve_holds(const struct reserve *r, const struct waiter *w);

/* Sends all waiters away, who find WAITER_CANCELED. */
void reserve_cancel(struct reserve *r);

/* Without the lock: true when the waiter is out of the queue. */
bool waiter_is_out(const struct waiter *w);

/* Whether that is a time; NULL is, and never comes. */
static inline bool waiter_may_wait_until(const struct timespec *deadline)
{
	return !deadline ||
	       (deadline->tv_nsec >= 0 && deadline->tv_nsec < 1000000000);
}

/* `ms` milliseconds from now: an absolute time of CLOCK_MONOTONIC. */
struct timespec waiter_deadline(unsigned ms);

/*
 * Who waits asks: true when it shall wait no longer.  `last`: the deadline has
 * come; whoever is still in the queue should leave it.
 */
typedef bool waiter_ask_t(void *arg, bool last);

/*
 * Without the lock: sleeps until the waiter is out of the queue, or `ask` says
 * that it is enough.  That is called each *ask_ms milliseconds, which others
 * may change meanwhile, and at the deadline (NULL: none), then again and again.
 */
void waiter_await(struct waiter *w, const struct timespec *deadline,
		  const unsigned *ask_ms, waiter_ask_t *ask, void *arg);

#endif
