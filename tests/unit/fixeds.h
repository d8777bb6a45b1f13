/* SPDX-License-Identifier: MIT */
/*
 * fixeds.h - what the tests of pools of objects of one size share.
 */
#ifndef UNIT_FIXEDS_H
#define UNIT_FIXEDS_H

#include <string.h>

#include "mempool/fixed.h"

enum { FIXEDS_MOST = 20000 };

static const enum mempool_threading forms[] = { MEMPOOL_LOCKED,
						MEMPOOL_THREAD_LOCAL,
						MEMPOOL_SINGLE };

enum { FORMS = 3, FORMS_SHARED = 2 /* by threads: the first so many */ };

static void *objects[FIXEDS_MOST];

static inline mempool_fixed_t *make(size_t size, enum mempool_threading form,
				    size_t limit)
{
	struct mempool_options o = { .name = "test",
				     .threading = form,
				     .limit = limit };
	mempool_fixed_t *pool = mempool_fixed_create(size, &o);

	assert_non_null(pool);
	return pool;
}

static inline struct mempool_stats stats_of(mempool_fixed_t *pool)
{
	struct mempool_stats s;

	mempool_fixed_stats(pool, &s);
	return s;
}

/* Into objects[0..]; returns how many there were before memory was out. */
static inline size_t take(mempool_fixed_t *pool, size_t most)
{
	size_t n = 0;

	while (n < most && (objects[n] = mempool_fixed_alloc(pool)))
		n++;
	return n;
}

static inline void give(mempool_fixed_t *pool, size_t n)
{
	while (n-- > 0)
		mempool_fixed_free(pool, objects[n]);
}

/* All of them; memory is not out. */
static inline void take_bulk(mempool_fixed_t *pool, void **into, size_t n)
{
	assert_int_equal(mempool_fixed_alloc_bulk(pool, into, n), 0);
}

/* Nothing is in use, nothing is lost; that is the end of the pool. */
static inline void end_of(mempool_fixed_t *pool)
{
	mempool_fixed_check(pool);
	assert_int_equal(stats_of(pool).live, 0);
	mempool_fixed_destroy(pool);
}

#endif
