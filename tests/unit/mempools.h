/* SPDX-License-Identifier: MIT */
/*
 * mempools.h - what the tests of the mempool share: a source that counts and
 * can be told to fail, threads that wait.
 */
#ifndef UNIT_MEMPOOLS_H
#define UNIT_MEMPOOLS_H

#include <stdlib.h>
#include <string.h>

#include "mempool/fault.h"
#include "mempool/reserve.h"
#include "mempool/stats.h"
#include "pool/mempool_inside.h"
#include "unit/clock.h"
#include "unit/errors.h"
#include "unit/threads.h"

enum { ELEMENT = 64, FOREVER = 1 << 30 };

/* --- the source --- */

/* A source.  Atomic, for threads use it; `live` is what is not given back. */
static struct counting {
	int calls, nowait_calls, wait_calls, frees, live;
	int gives; /* so many more calls succeed */
	gfp_t last_flags;
} counting = { .gives = FOREVER };

__attribute__((unused)) static void *counting_alloc(gfp_t flags, void *data)
{
	struct counting *c = data;

	__atomic_add_fetch(&c->calls, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(flags & MEMPOOL_NOWAIT ? &c->nowait_calls
						  : &c->wait_calls,
			   1, __ATOMIC_RELAXED);
	__atomic_store_n(&c->last_flags, flags, __ATOMIC_RELAXED);
	if (__atomic_sub_fetch(&c->gives, 1, __ATOMIC_RELAXED) < 0) {
		__atomic_add_fetch(&c->gives, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	__atomic_add_fetch(&c->live, 1, __ATOMIC_RELAXED);
	return flags & MEMPOOL_ZERO ? calloc(1, ELEMENT) : malloc(ELEMENT);
}

__attribute__((unused)) static void counting_free(void *element, void *data)
{
	struct counting *c = data;

	__atomic_add_fetch(&c->frees, 1, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&c->live, 1, __ATOMIC_RELAXED);
	free(element);
}

static inline void source_gives(int count)
{
	__atomic_store_n(&counting.gives, count, __ATOMIC_RELAXED);
}

/* A pool over the counting source, which fails from now on. */
static inline mempool_t *scarce_pool(int min_nr)
{
	mempool_t *pool;

	source_gives(FOREVER);
	pool = mempool_create(min_nr, counting_alloc, counting_free, &counting);
	assert_non_null(pool);
	source_gives(0);
	return pool;
}

/* --- statistics --- */

#define STAT(mempool, member)                                                  \
	({                                                                     \
		struct mempool_stats stats_;                                   \
		roster_stats(&(mempool)->inside->pool.entry, &stats_);         \
		stats_.member;                                                 \
	})

/* --- threads that wait --- */

struct caller {
	pthread_t thread;
	mempool_t *pool;
	gfp_t flags;
	struct timespec deadline;
	void *got;
	int error;
	uint64_t waited_us;
};

__attribute__((unused)) static void *call(void *data)
{
	struct caller *c = data;
	uint64_t start = now_us();

	errno = 0;
	c->got = mempool_alloc_until(c->pool, c->flags,
				     c->deadline.tv_sec ? &c->deadline : NULL);
	c->error = errno;
	c->waited_us = now_us() - start;
	return NULL;
}

/* Returns when the caller is in the queue. */
static inline void let_wait(struct caller *c, mempool_t *pool)
{
	uint64_t before = STAT(pool, waits);

	c->pool = pool;
	c->thread = start_thread(call, c);
	while (STAT(pool, waits) == before)
		pause_ms(1);
}

/* A pool that has nothing left, and its one element. */
static inline mempool_t *empty_pool(void **element)
{
	mempool_t *pool = scarce_pool(1);

	*element = mempool_alloc(pool, GFP_KERNEL);
	assert_non_null(*element);
	return pool;
}

/* The pool is full, and with it goes all that the source gave. */
static inline void end_of(mempool_t *pool)
{
	assert_true(mempool_is_saturated(pool));
	mempool_destroy(pool);
	assert_int_equal(counting.live, 0);
}

static inline void end_of_empty(mempool_t *pool, void *element)
{
	mempool_free(element, pool);
	end_of(pool);
}

#endif
