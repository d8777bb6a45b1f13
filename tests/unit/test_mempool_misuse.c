/* SPDX-License-Identifier: MIT */
/*
 * test_mempool_misuse.c - mempools that are gone, and numbers out of range.
 */
#include "unit/apart.h"
#include "unit/mempools.h"

#include <limits.h>

#include "mempool/cache.h"
#include "mempool/pages.h"

/* --- a destroyed pool --- */

static mempool_t *destroyed_pool(void)
{
	mempool_t *pool = mempool_create_kmalloc_pool(1, ELEMENT);

	assert_non_null(pool);
	mempool_destroy(pool);
	return pool;
}

static void an_allocation_from_a_destroyed_pool_is_named(void)
{
	(void)!mempool_alloc(destroyed_pool(), GFP_KERNEL);
}

static void a_free_to_a_destroyed_pool_is_named(void)
{
	mempool_free(&counting, destroyed_pool());
}

static void a_second_destroy_is_named(void)
{
	mempool_destroy(destroyed_pool());
}

static void a_resize_of_a_destroyed_pool_is_named(void)
{
	mempool_resize(destroyed_pool(), 2);
}

static void a_name_for_a_destroyed_pool_is_a_fault(void)
{
	mempool_set_name(destroyed_pool(), "late");
}

/* --- numbers --- */

/* Slots beyond the array would be read. */
static void a_bulk_too_large_is_refused_before_its_slots_are_read(void)
{
	mempool_t *pool = scarce_pool(2);
	void *elems[2] = { NULL };

	assert_errno(mempool_alloc_bulk(pool, elems, UINT_MAX, 0), EINVAL);
	assert_errno(mempool_alloc_bulk(pool, elems, UINT_MAX, UINT_MAX),
		     EINVAL);
	end_of(pool);
}

static void an_order_too_large_for_an_int_is_no_small_one(void)
{
	mempool_t *pool =
		mempool_create(1, mempool_alloc_pages, mempool_free_pages,
			       (void *)((size_t)1 << 32));

	assert_null(pool);
	assert_int_equal(errno, ENOMEM);
}

static void objects_ahead_that_overflow_are_enomem_at_once(void)
{
	struct mempool_cache_options o = { .ahead = SIZE_MAX };

	assert_refused(mempool_cache_create(8, &o), ENOMEM);
	o.ahead = SIZE_MAX / 8;
	assert_refused(mempool_cache_create(8, &o), ENOMEM);
	o.ahead = SIZE_MAX / 8 + 1;
	assert_refused(mempool_cache_create(8, &o), ENOMEM);
}

int main(void)
{
#define GONE "use of a destroyed pool"
	const struct CMUnitTest tests[] = {
		ABORTS(an_allocation_from_a_destroyed_pool_is_named, GONE),
		ABORTS(a_free_to_a_destroyed_pool_is_named, GONE),
		ABORTS(a_second_destroy_is_named, GONE),
		ABORTS(a_resize_of_a_destroyed_pool_is_named, GONE),
		ABORTS(a_name_for_a_destroyed_pool_is_a_fault, GONE),
		APART(a_bulk_too_large_is_refused_before_its_slots_are_read),
		APART(an_order_too_large_for_an_int_is_no_small_one),
		APART(objects_ahead_that_overflow_are_enomem_at_once),
	};

	return cmocka_run_group_tests_name("mempool_misuse", tests, NULL, NULL);
}
