/* SPDX-License-Identifier: MIT */
/*
 * test_mempool_resize.c - another min_nr for a mempool in use.
 */
#include "unit/apart.h"
#include "unit/chance.h"
#include "unit/limits.h"
#include "unit/mempools.h"

enum { MIN = 8 };

static void a_smaller_pool_gives_its_surplus_back(void)
{
	mempool_t *pool = scarce_pool(MIN);

	assert_int_equal(mempool_resize(pool, 3), 0);
	assert_int_equal(counting.live, 3);
	assert_int_equal(STAT(pool, reserve_min), 3);
	assert_int_equal(STAT(pool, reserve_used), 0);
	assert_int_equal(mempool_resize(pool, 0), 0);
	assert_int_equal(counting.live, 1);
	end_of(pool);
}

static void a_larger_pool_is_filled_from_the_source(void)
{
	mempool_t *pool = scarce_pool(MIN);

	source_gives(FOREVER);
	assert_int_equal(mempool_resize(pool, 1000), 0);
	assert_int_equal(counting.live, 1000);
	assert_true(mempool_is_saturated(pool));
	assert_int_equal(counting.nowait_calls, 0);
	end_of(pool);
}

static void a_partial_fill_is_success_and_frees_do_the_rest(void)
{
	mempool_t *pool = scarce_pool(2);
	void *one, *two, *three;

	source_gives(2);
	one = mempool_alloc(pool, GFP_KERNEL);
	two = mempool_alloc(pool, GFP_KERNEL);
	three = mempool_alloc(pool, GFP_KERNEL);
	source_gives(1);
	assert_int_equal(mempool_resize(pool, 5), 0);
	assert_int_equal(STAT(pool, reserve_current), 2);
	assert_false(mempool_is_saturated(pool));
	mempool_free(one, pool);
	mempool_free(two, pool);
	mempool_free(three, pool);
	end_of(pool);
}

static void the_same_size_fills_up(void)
{
	mempool_t *pool = scarce_pool(3);
	void *element = mempool_alloc(pool, GFP_KERNEL);

	source_gives(FOREVER);
	assert_int_equal(mempool_resize(pool, 3), 0);
	assert_true(mempool_is_saturated(pool));
	mempool_free(element, pool);
	end_of(pool);
}

static void a_size_that_cannot_be_changes_nothing(void)
{
	mempool_t *pool = scarce_pool(3);

	assert_int_equal(mempool_resize(pool, -1), -EINVAL);
	if (!limits_set_space(64 << 20))
		apart_skip("no limit can be set here");
	assert_errno(mempool_resize(pool, INT32_MAX), ENOMEM);
	assert_int_equal(STAT(pool, reserve_min), 3);
	end_of(pool);
}

static void growing_wakes_who_waits(void)
{
	mempool_t *pool = scarce_pool(1);
	struct caller c[2] = { { 0 } };
	void *element = mempool_alloc(pool, GFP_KERNEL);

	let_wait(&c[0], pool);
	let_wait(&c[1], pool);
	source_gives(2);
	assert_int_equal(mempool_resize(pool, 2), 0);
	for (int i = 0; i < 2; i++) {
		join_thread(c[i].thread);
		assert_non_null(c[i].got);
		mempool_free(c[i].got, pool);
	}
	mempool_free(element, pool);
	end_of(pool);
}

/* --- resizing under load --- */

static bool over;

static void *use(void *data)
{
	mempool_t *pool = data;
	uint64_t state = (uintptr_t)&state | 1;

	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		void *elems[3] = { NULL };
		uint64_t bits;
		unsigned got = 0;

		bits = chance(&state);
		for (unsigned i = 0; i < 1 + bits % 3; i++)
			elems[got++] = mempool_alloc(pool, i ? GFP_NOWAIT
							     : GFP_KERNEL);
		if (bits & 64)
			mempool_free_bulk(pool, elems, got);
		for (unsigned i = 0; i < got; i++)
			mempool_free(elems[i], pool);
	}
	return NULL;
}

static void resizing_under_load_loses_no_element(void)
{
	mempool_t *pool = scarce_pool(4);
	pthread_t threads[4];
	uint64_t state = 42, bits, until;

	start_threads(threads, 4, use, pool);
	for (until = now_us() + 1500000; now_us() < until;) {
		bits = chance(&state);
		source_gives((int)(bits >> 8 & 3));
		assert_int_equal(mempool_resize(pool, (int)(bits >> 16 & 7)),
				 0);
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	source_gives(FOREVER);
	join_threads(threads, 4);
	assert_int_equal(mempool_resize(pool, 4), 0);
	assert_int_equal(counting.live, 4);
	end_of(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_smaller_pool_gives_its_surplus_back),
		APART(a_larger_pool_is_filled_from_the_source),
		APART(a_partial_fill_is_success_and_frees_do_the_rest),
		APART(the_same_size_fills_up),
		APART(a_size_that_cannot_be_changes_nothing),
		APART(growing_wakes_who_waits),
		APART(resizing_under_load_loses_no_element),
	};

	return cmocka_run_group_tests_name("mempool_resize", tests, NULL, NULL);
}
