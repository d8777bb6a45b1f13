/* SPDX-License-Identifier: MIT */
/*
 * mempool_inside.h - what a mempool_t hides: source, reserve, waiters.
 */
#ifndef POOL_MEMPOOL_INSIDE_H
#define POOL_MEMPOOL_INSIDE_H

#include "heap/reserve.h"
#include "mempool/reserve.h"
#include "pool/mempool_strict.h"
#include "pool/pool.h"

enum {
	INSIDE_DYING = 1, /* in `callers`: the pool is being taken down */
	INSIDE_CALLER = 2 /* one who waits */
};

/*
 * reserve.min is max(1, min_nr): a pool of 0 keeps one too, so that what is
 * said of waiters in mempool_free_slow() holds for every pool.
 *
 * Owner: the lock, except what never changes (source, open), what is atomic
 * (callers, wait_ms, failures) and what is set before the pool is shared.
 */
struct mempool_inside {
	struct pool pool;
	uint32_t callers; /* futex word: INSIDE_CALLER each, and the flag */
	struct reserve reserve;
	size_t capacity; /* of reserve.elements */
	int min_nr;
	unsigned wait_ms;
	size_t size; /* bytes of an element; 0: not known */
	bool poison;
	struct strict strict;
	bool stays; /* is not destroyed while elements are out */
	uint64_t failures;
	mempool_alloc_t *alloc;
	mempool_free_t *free;
	void *pool_data;
	mempool_t *open; /* what the fast paths see */
};

/*
 * An element from the source, or NULL: it has none, or a fault is injected.
 * Without the lock; takes it in a strict pool.
 */
void *inside_ask(struct mempool_inside *in, gfp_t flags);

/* The element that was kept last, or NULL.  Under the lock. */
void *inside_take(struct mempool_inside *in);

/*
 * Hands the element to a waiter or keeps it; false: not wanted, and in a
 * strict pool not known any more.  *wake as in reserve_put().  Under the lock.
 */
bool inside_put(struct mempool_inside *in, void *element, uint32_t **wake);

/* The same, and to the source when not wanted.  Without the lock. */
void inside_give(struct mempool_inside *in, void *element);

/*
 * Says in the pool's first two words who may use the fast paths.  After each
 * change of the reserve, under the lock.
 */
void inside_refresh(struct mempool_inside *in);

/*
 * Ends what inside_put() began: refreshes, releases the lock, wakes, and gives
 * the source what was not wanted, if anything.
 */
void inside_end(struct mempool_inside *in, void *unwanted, uint32_t *wake);

/*
 * Fills `missing` empty ones of `slots` from the reserve if it has so many,
 * else from frees, else from the source, asked with `flags` each wait_ms
 * (never with MEMPOOL_RESERVE_ONLY).  Without the lock.
 *
 * Returns 0, ETIMEDOUT or ECANCELED.  The pool may be gone when it returns.
 */
int inside_wait(struct mempool_inside *in, void **slots, size_t missing,
		gfp_t flags, const struct timespec *deadline);

/*
 * Sends all who wait away and returns when they have left.  Nobody can wait
 * any more.  Without the lock.
 */
void inside_send_away(struct mempool_inside *in);

/*
 * NULL: `pool` is NULL, or zeros.  Ends the program when it was destroyed, as
 * far as what is left of it tells.
 */
struct mempool_inside *inside_of_pool(const mempool_t *pool);

/* Has all pools look again whether faults are injected. */
void inside_refresh_all(void);

extern HIDDEN const struct roster_kind inside_kind;

#endif
