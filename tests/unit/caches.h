/* SPDX-License-Identifier: MIT */
/*
 * caches.h - caches of things that count their constructors and destructors.
 */
#ifndef UNIT_CACHES_H
#define UNIT_CACHES_H

#include "mempool/cache.h"

enum { THING_SEAL = 0x7e57 };

struct thing {
	unsigned seal, uses;
	unsigned char payload[40];
};

/* Each test has a process of its own, so these start as zeros. */
static long made, unmade;
static int fail_construct; /* what the constructor returns, but first */
static long fail_after;	   /* it makes so many */

static int construct_thing(void *object, void *arg)
{
	struct thing *x = object;

	(void)arg;
	if (__atomic_load_n(&fail_construct, __ATOMIC_RELAXED) &&
	    fail_after-- <= 0)
		return fail_construct;
	x->seal = THING_SEAL;
	x->uses = 0;
	__atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
	return 0;
}

static void destroy_thing(void *object, void *arg)
{
	struct thing *x = object;

	(void)arg;
	assert_int_equal(x->seal, THING_SEAL);
	x->seal = 0;
	__atomic_add_fetch(&unmade, 1, __ATOMIC_RELAXED);
}

static inline bool is_fit(const void *object, void *arg)
{
	const struct thing *x = object;

	(void)arg;
	return x->seal == THING_SEAL;
}

static inline struct mempool_cache_options
things(enum mempool_threading threading)
{
	struct mempool_cache_options o = {
		.base = { .name = "things", .threading = threading },
		.construct = construct_thing,
		.destroy = destroy_thing,
	};

	return o;
}

static inline mempool_cache_t *cache_with(struct mempool_cache_options o)
{
	mempool_cache_t *c = mempool_cache_create(sizeof(struct thing), &o);

	assert_non_null(c);
	return c;
}

static inline mempool_cache_t *cache_of(enum mempool_threading threading)
{
	return cache_with(things(threading));
}

/* `n` objects, and who finds none waits. */
static inline mempool_cache_t *blocking_cache(size_t n)
{
	struct mempool_cache_options o = things(MEMPOOL_LOCKED);

	o.exhaustion = MEMPOOL_BLOCK;
	o.ahead = n;
	return cache_with(o);
}

static inline struct mempool_stats stats_of(mempool_cache_t *c)
{
	struct mempool_stats s;

	assert_int_equal(mempool_cache_stats(c, &s), 0);
	return s;
}

static inline void get_all(mempool_cache_t *c, void **all, int n)
{
	for (int i = 0; i < n; i++) {
		all[i] = mempool_cache_get(c, 0);
		assert_non_null(all[i]);
	}
}

static inline void put_all(mempool_cache_t *c, void **all, int n)
{
	for (int i = 0; i < n; i++)
		mempool_cache_put(c, all[i]);
}

/* One is made, and lies in stock. */
static inline void get_and_put(mempool_cache_t *c)
{
	mempool_cache_put(c, mempool_cache_get(c, 0));
}

/* Each object that was made is unmade then. */
static inline void end_of(mempool_cache_t *c)
{
	mempool_cache_check(c);
	mempool_cache_destroy(c);
	assert_int_equal(made, unmade);
}

#endif
