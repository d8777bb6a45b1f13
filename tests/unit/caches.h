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

__attribute__((unused)) static bool is_fit(const void *object, void *arg)
{
	const struct thing *x = object;

	(void)arg;
	return x->seal == THING_SEAL;
}

static struct mempool_cache_options things(enum mempool_threading threading)
{
	struct mempool_cache_options o = {
		.base = { .name = "things", .threading = threading },
		.construct = construct_thing,
		.destroy = destroy_thing,
	};

	return o;
}

__attribute__((unused)) static mempool_cache_t *
cache_of(enum mempool_threading threading)
{
	struct mempool_cache_options o = things(threading);
	mempool_cache_t *c = mempool_cache_create(sizeof(struct thing), &o);

	assert_non_null(c);
	return c;
}

__attribute__((unused)) static struct mempool_stats stats_of(mempool_cache_t *c)
{
	struct mempool_stats s;

	assert_int_equal(mempool_cache_stats(c, &s), 0);
	return s;
}

#endif
