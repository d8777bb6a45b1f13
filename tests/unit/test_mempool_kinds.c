/* SPDX-License-Identifier: MIT */
/*
 * test_mempool_kinds.c - an object cache as the source of a mempool.
 */
#include "unit/apart.h"
#include "unit/mempools.h"

#include "mempool/cache.h"

enum { MIN = 3, MOST = 5, MARK = 4711 };

static int constructed;

static int construct(void *object, void *arg)
{
	(void)arg;
	*(int *)object = MARK;
	constructed++;
	return 0;
}

static mempool_cache_t *small_cache(void)
{
	struct mempool_cache_options options = {
		.construct = construct,
		.exhaustion = MEMPOOL_BLOCK,
		.most = MOST,
		.ahead = MOST,
	};

	return mempool_cache_create(ELEMENT, &options);
}

static void elements_are_constructed_objects(void)
{
	mempool_cache_t *cache = small_cache();
	mempool_t *pool = mempool_create_slab_pool(MIN, cache);
	int *got[MOST];

	assert_non_null(pool);
	for (int i = 0; i < MOST; i++) {
		got[i] = mempool_alloc(pool, GFP_KERNEL);
		assert_int_equal(*got[i], MARK);
	}
	assert_int_equal(STAT(pool, reserve_used), MIN);
	assert_null(mempool_alloc(pool, GFP_NOWAIT));
	for (int i = 0; i < MOST; i++)
		mempool_free(got[i], pool);
	assert_true(mempool_is_saturated(pool));
	mempool_destroy(pool);
	assert_int_equal(constructed, MOST);
	mempool_cache_destroy(cache);
}

/* Though the cache itself would block: frees come to the pool. */
static void who_waits_waits_for_the_pools_own_frees(void)
{
	mempool_cache_t *cache = small_cache();
	mempool_t *pool = mempool_create_slab_pool(MIN, cache);
	struct caller c = { 0 };
	void *got[MOST];

	for (int i = 0; i < MOST; i++)
		got[i] = mempool_alloc(pool, GFP_KERNEL);
	let_wait(&c, pool);
	mempool_free(got[0], pool);
	join_thread(c.thread);
	assert_ptr_equal(c.got, got[0]);
	for (int i = 0; i < MOST; i++)
		mempool_free(got[i], pool);
	mempool_destroy(pool);
	mempool_cache_destroy(cache);
}

static void constructed_objects_are_not_cleared(void)
{
	mempool_cache_t *cache = small_cache();
	mempool_t *pool = mempool_create_slab_pool(MIN, cache);

	assert_refused(mempool_alloc(pool, __GFP_ZERO), EINVAL);
	mempool_destroy(pool);
	mempool_cache_destroy(cache);
}

static void without_a_cache_there_is_no_pool(void)
{
	assert_refused(mempool_create_slab_pool(1, NULL), EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(elements_are_constructed_objects),
		APART(who_waits_waits_for_the_pools_own_frees),
		APART(constructed_objects_are_not_cleared),
		APART(without_a_cache_there_is_no_pool),
	};

	return cmocka_run_group_tests_name("mempool_kinds", tests, NULL, NULL);
}
