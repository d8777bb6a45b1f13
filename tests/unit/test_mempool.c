/* SPDX-License-Identifier: MIT */
/*
 * test_mempool.c - the mempool as one thread sees it.
 */
#include "unit/apart.h"
#include "unit/limits.h"
#include "unit/mempools.h"

#include "mempool/pages.h"

enum { MIN = 4 };

/* --- making and unmaking --- */

static void min_nr_elements_are_taken_when_it_is_made(void)
{
	for (int min_nr = 0; min_nr < 20; min_nr++) {
		mempool_t *pool = mempool_create(min_nr, counting_alloc,
						 counting_free, &counting);

		assert_int_equal(counting.live, min_nr ? min_nr : 1);
		assert_true(mempool_is_saturated(pool));
		mempool_destroy(pool);
		assert_int_equal(counting.live, 0);
	}
	assert_int_equal(counting.nowait_calls, 0);
}

static void when_element_k_fails_the_others_go_back(void)
{
	for (int k = 0; k < 16; k++) {
		mempool_t *pool;

		source_gives(k);
		errno = 0;
		pool = mempool_create(16, counting_alloc, counting_free,
				      &counting);
		assert_null(pool);
		assert_int_equal(errno, ENOMEM);
		assert_int_equal(counting.live, 0);
		assert_int_equal(counting.frees, k);
		counting.frees = 0;
	}
}

static void the_source_of_a_node_sees_the_flags(void)
{
	mempool_t *pool = mempool_create_node(1, counting_alloc, counting_free,
					      &counting, MEMPOOL_NOWAIT, 0);

	assert_non_null(pool);
	assert_int_equal(counting.nowait_calls, 1);
	mempool_destroy(pool);
	pool = mempool_create_node(1, counting_alloc, counting_free, &counting,
				   GFP_KERNEL, 1 << 30);
	assert_non_null(pool);
	mempool_destroy(pool);
}

static void it_can_live_in_the_callers_memory(void)
{
	mempool_t pool;
	void *element;

	memset(&pool, 0xee, sizeof(pool));
	assert_int_equal(mempool_init(&pool, MIN, counting_alloc, counting_free,
				      &counting),
			 0);
	assert_true(mempool_initialized(&pool));
	element = mempool_alloc(&pool, GFP_KERNEL);
	mempool_free(element, &pool);
	mempool_exit(&pool);
	assert_false(mempool_initialized(&pool));
	assert_int_equal(counting.live, 0);
	mempool_exit(&pool);
	mempool_destroy(&pool);
	assert_refused(mempool_alloc(&pool, GFP_KERNEL), EINVAL);
}

static void taking_down_zeroed_memory_is_harmless(void)
{
	mempool_t pool = { 0 };

	assert_false(mempool_initialized(&pool));
	assert_false(mempool_initialized(NULL));
	mempool_exit(&pool);
	mempool_exit(NULL);
	mempool_destroy(&pool);
	mempool_destroy(NULL);
}

static void bad_arguments_make_no_pool(void)
{
	mempool_t pool;
	mempool_alloc_t *get = counting_alloc;
	mempool_free_t *put = counting_free;

	assert_refused(mempool_create(-1, get, put, &counting), EINVAL);
	assert_refused(mempool_create(1, NULL, put, &counting), EINVAL);
	assert_refused(mempool_create(1, get, NULL, &counting), EINVAL);
	assert_refused(mempool_create_node(1, get, put, NULL, 16, -1), EINVAL);
	assert_refused(mempool_create_node(1, get, put, NULL, 0, -2), EINVAL);
	assert_refused(mempool_create_kmalloc_pool(1, 0), EINVAL);
	assert_refused(mempool_create_page_pool(1, -1), EINVAL);
	assert_refused(mempool_create_page_pool(1, MEMPOOL_MAX_ORDER + 1),
		       EINVAL);
	assert_errno(mempool_init(NULL, 1, get, put, NULL), EINVAL);
	assert_errno(mempool_init(&pool, -1, get, put, NULL), EINVAL);
	assert_false(mempool_initialized(&pool));
	source_gives(0);
	assert_errno(mempool_init(&pool, 1, get, put, &counting), ENOMEM);
	assert_false(mempool_initialized(&pool));
	assert_int_equal(counting.live, 0);
}

static void a_table_too_large_for_memory_is_enomem(void)
{
	if (!limits_set_space(64 << 20))
		apart_skip("no limit can be set here");
	assert_refused(mempool_create(INT32_MAX, counting_alloc, counting_free,
				      &counting),
		       ENOMEM);
}

static void without_a_pool_every_call_says_so(void)
{
	static mempool_t none;
	mempool_t *pools[] = { NULL, &none };
	void *slot = NULL;

	for (int i = 0; i < 2; i++) {
		mempool_t *p = pools[i];

		assert_refused(mempool_alloc(p, GFP_KERNEL), EINVAL);
		assert_refused(mempool_alloc(p, GFP_NOWAIT), EINVAL);
		assert_refused(mempool_alloc_until(p, GFP_KERNEL, NULL),
			       EINVAL);
		assert_refused(mempool_alloc_preallocated(p), EINVAL);
		assert_errno(mempool_alloc_bulk(p, &slot, 1, 0), EINVAL);
		assert_errno(mempool_resize(p, 1), EINVAL);
		assert_errno(mempool_set_name(p, "x"), EINVAL);
		assert_errno(mempool_set_wait(p, 1), EINVAL);
		assert_errno(mempool_set_size(p, 1), EINVAL);
		assert_errno(mempool_set_strict(p), EINVAL);
		errno = 0;
		assert_int_equal(mempool_free_bulk(p, &slot, 1), 0);
		assert_int_equal(errno, EINVAL);
		assert_false(mempool_is_saturated(p));
		mempool_free(NULL, p);
	}
}

static void a_free_without_a_pool_is_a_fault(void)
{
	mempool_free(&counting, NULL);
}

/* --- the order --- */

static void the_source_is_asked_first_and_without_blocking(void)
{
	mempool_t *pool = scarce_pool(MIN);
	void *element;

	source_gives(1);
	counting.calls = counting.nowait_calls = 0;
	element = mempool_alloc(pool, GFP_KERNEL);
	assert_non_null(element);
	assert_int_equal(counting.calls, 1);
	assert_int_equal(counting.last_flags, MEMPOOL_NOWAIT);
	assert_int_equal(STAT(pool, reserve_used), 0);
	mempool_free(element, pool);
	assert_int_equal(counting.live, MIN);
	mempool_destroy(pool);
}

static void then_comes_the_reserve_last_in_first_out(void)
{
	mempool_t *pool = scarce_pool(MIN);
	void *got[MIN];

	counting.calls = 0;
	for (int i = 0; i < MIN; i++) {
		got[i] = mempool_alloc(pool, GFP_KERNEL);
		assert_non_null(got[i]);
		assert_int_equal(counting.calls, i + 1);
	}
	assert_int_equal(counting.wait_calls, MIN);
	assert_int_equal(STAT(pool, reserve_used), MIN);
	for (int i = MIN; i-- > 0;)
		mempool_free(got[i], pool);
	for (int i = 0; i < MIN; i++)
		assert_ptr_equal(mempool_alloc(pool, GFP_NOWAIT), got[i]);
	for (int i = 0; i < MIN; i++)
		mempool_free(got[i], pool);
	mempool_destroy(pool);
	assert_int_equal(counting.live, 0);
}

/* The source: fails without blocking, and gives when it may block. */
static void *when_it_may_block(gfp_t flags, void *data)
{
	if (flags & MEMPOOL_NOWAIT) {
		counting.calls++;
		counting.nowait_calls++;
		return NULL;
	}
	return counting_alloc(flags, data);
}

static void then_the_source_with_all_flags(void)
{
	mempool_t *pool =
		mempool_create(1, when_it_may_block, counting_free, &counting);
	void *one, *two;

	one = mempool_alloc(pool, GFP_KERNEL);
	counting.calls = counting.nowait_calls = 0;
	two = mempool_alloc(pool, GFP_KERNEL);
	assert_int_equal(counting.calls, 2);
	assert_int_equal(counting.nowait_calls, 1);
	assert_int_equal(counting.last_flags, MEMPOOL_WAIT);
	assert_ptr_not_equal(one, two);
	mempool_free(one, pool);
	mempool_free(two, pool);
	mempool_destroy(pool);
	assert_int_equal(counting.live, 0);
}

/* The source: what it refuses comes into the reserve just then. */
static void *element_meanwhile;
static mempool_t *pool_meanwhile;

static void *frees_into_the_pool(gfp_t flags, void *data)
{
	void *element = element_meanwhile;

	if (element && !(flags & MEMPOOL_NOWAIT)) {
		element_meanwhile = NULL;
		mempool_free(element, pool_meanwhile);
	}
	return counting_alloc(flags, data);
}

static void then_the_reserve_again(void)
{
	void *element;

	pool_meanwhile = mempool_create(1, frees_into_the_pool, counting_free,
					&counting);
	source_gives(0);
	element = mempool_alloc(pool_meanwhile, GFP_KERNEL);
	element_meanwhile = element;
	counting.calls = 0;
	assert_ptr_equal(mempool_alloc(pool_meanwhile, GFP_KERNEL), element);
	assert_int_equal(counting.calls, 2);
	assert_int_equal(STAT(pool_meanwhile, waits), 0);
}

static void who_must_not_sleep_gets_null_after_one_question(void)
{
	mempool_t *pool = scarce_pool(1);
	void *element = mempool_alloc(pool, GFP_NOWAIT);

	counting.calls = 0;
	assert_refused(mempool_alloc(pool, GFP_ATOMIC), ENOMEM);
	assert_int_equal(counting.calls, 1);
	assert_int_equal(STAT(pool, failures), 1);
	mempool_free(element, pool);
	mempool_destroy(pool);
}

static void the_preallocated_come_from_the_reserve_alone(void)
{
	mempool_t *pool = scarce_pool(2);
	void *one, *two;

	source_gives(FOREVER);
	counting.calls = 0;
	one = mempool_alloc_preallocated(pool);
	two = mempool_alloc_preallocated(pool);
	assert_non_null(one);
	assert_non_null(two);
	assert_refused(mempool_alloc_preallocated(pool), ENOMEM);
	assert_int_equal(counting.calls, 0);
	assert_false(mempool_is_saturated(pool));
	mempool_free(one, pool);
	mempool_free(two, pool);
	assert_true(mempool_is_saturated(pool));
	mempool_destroy(pool);
}

static void the_reserve_can_be_left_alone(void)
{
	mempool_t *pool = scarce_pool(1);

	counting.calls = counting.wait_calls = 0;
	assert_refused(mempool_alloc(pool, MEMPOOL_NO_RESERVE), ENOMEM);
	assert_int_equal(counting.calls, 2);
	assert_int_equal(counting.wait_calls, 1);
	assert_refused(mempool_alloc(pool, MEMPOOL_NO_RESERVE | GFP_NOWAIT),
		       ENOMEM);
	assert_int_equal(counting.calls, 3);
	assert_true(mempool_is_saturated(pool));
	mempool_destroy(pool);
}

static void unknown_flags_and_contradictions_are_refused(void)
{
	mempool_t *pool = scarce_pool(1);
	struct timespec late = { 0, 1000000000 }, negative = { 0, -1 };

	assert_refused(mempool_alloc(pool, 16), EINVAL);
	assert_refused(mempool_alloc(pool, ~0u), EINVAL);
	assert_refused(
		mempool_alloc(pool, MEMPOOL_RESERVE_ONLY | MEMPOOL_NO_RESERVE),
		EINVAL);
	assert_refused(mempool_alloc_until(pool, GFP_NOWAIT, &late), EINVAL);
	assert_refused(mempool_alloc_until(pool, GFP_NOWAIT, &negative),
		       EINVAL);
	assert_true(mempool_is_saturated(pool));
	mempool_destroy(pool);
}

/* --- coming back --- */

static void a_full_reserve_sends_elements_to_the_source(void)
{
	mempool_t *pool = scarce_pool(1);
	void *reserved, *sourced;

	reserved = mempool_alloc(pool, GFP_KERNEL);
	source_gives(1);
	sourced = mempool_alloc(pool, GFP_KERNEL);
	counting.frees = 0;
	mempool_free(sourced, pool);
	assert_int_equal(counting.frees, 0);
	mempool_free(reserved, pool);
	assert_int_equal(counting.frees, 1);
	mempool_destroy(pool);
	assert_int_equal(counting.live, 0);
}

static void an_element_that_lies_in_the_reserve_cannot_come_back(void)
{
	mempool_t *pool = scarce_pool(2);
	void *one = mempool_alloc(pool, GFP_KERNEL);
	void *two = mempool_alloc(pool, GFP_KERNEL);

	mempool_free(one, pool);
	(void)two;
	mempool_free(one, pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(min_nr_elements_are_taken_when_it_is_made),
		APART(when_element_k_fails_the_others_go_back),
		APART(the_source_of_a_node_sees_the_flags),
		APART(it_can_live_in_the_callers_memory),
		APART(taking_down_zeroed_memory_is_harmless),
		APART(bad_arguments_make_no_pool),
		APART(a_table_too_large_for_memory_is_enomem),
		APART(without_a_pool_every_call_says_so),
		ABORTS(a_free_without_a_pool_is_a_fault, "there is no pool"),
		APART(the_source_is_asked_first_and_without_blocking),
		APART(then_comes_the_reserve_last_in_first_out),
		APART(then_the_source_with_all_flags),
		APART(then_the_reserve_again),
		APART(who_must_not_sleep_gets_null_after_one_question),
		APART(the_preallocated_come_from_the_reserve_alone),
		APART(the_reserve_can_be_left_alone),
		APART(unknown_flags_and_contradictions_are_refused),
		APART(a_full_reserve_sends_elements_to_the_source),
		ABORTS(an_element_that_lies_in_the_reserve_cannot_come_back,
		       "double free"),
	};

	return cmocka_run_group_tests_name("mempool", tests, NULL, NULL);
}
