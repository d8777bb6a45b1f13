/* SPDX-License-Identifier: MIT */
/*
 * test_mempool_watch.c - what a mempool knows of its elements: their size
 * and source; names, statistics, faults.
 */
#include "unit/apart.h"
#include "pool/debug.h"
#include "unit/mempools.h"

#include "mempool/pages.h"

enum { MIN = 4 };

/* --- cleared memory --- */

static bool is_zero(const char *p, size_t bytes)
{
	while (bytes--)
		if (p[bytes])
			return false;
	return true;
}

static void cleared_memory_is_clear_wherever_it_comes_from(void)
{
	mempool_t *pool = mempool_create_kmalloc_pool(1, 100);
	char *sourced = mempool_alloc(pool, __GFP_ZERO), *reserved;

	assert_true(is_zero(sourced, 100));
	mempool_fault_set("1+");
	reserved = mempool_alloc_preallocated(pool);
	memset(reserved, 0xff, 100);
	mempool_free(reserved, pool);
	assert_ptr_equal(mempool_alloc(pool, GFP_KERNEL | __GFP_ZERO),
			 reserved);
	assert_true(is_zero(reserved, 100));
	memset(reserved, 0xff, 100);
	mempool_free(reserved, pool);
	assert_ptr_equal(
		mempool_alloc(pool, MEMPOOL_ZERO | MEMPOOL_RESERVE_ONLY),
		reserved);
	assert_true(is_zero(reserved, 100));
	mempool_free(reserved, pool);
	mempool_free(sourced, pool);
	mempool_destroy(pool);
}

static void whose_size_is_not_known_cannot_be_cleared(void)
{
	mempool_t *pool = scarce_pool(1);
	void *element;

	source_gives(FOREVER);
	counting.calls = 0;
	assert_refused(mempool_alloc(pool, __GFP_ZERO), EINVAL);
	assert_int_equal(counting.calls, 0);
	assert_errno(mempool_set_size(pool, 0), EINVAL);
	assert_int_equal(mempool_set_size(pool, ELEMENT), 0);
	assert_int_equal(STAT(pool, object_size), ELEMENT);
	element = mempool_alloc(pool, __GFP_ZERO);
	assert_true(is_zero(element, ELEMENT));
	assert_int_equal(counting.last_flags, MEMPOOL_NOWAIT | MEMPOOL_ZERO);
	mempool_free(element, pool);
	source_gives(0);
	element = mempool_alloc_preallocated(pool);
	memset(element, 0xff, ELEMENT);
	mempool_free(element, pool);
	assert_true(is_zero(mempool_alloc(pool, __GFP_ZERO), ELEMENT));
	mempool_free(element, pool);
	mempool_destroy(pool);
}

/* --- sources --- */

static void pages_are_aligned_to_their_order(void)
{
	for (int order = 0; order < 4; order++) {
		mempool_t *pool = mempool_create_page_pool(2, order);
		size_t bytes = mempool_pages_size((unsigned)order);
		char *block = mempool_alloc(pool, __GFP_ZERO);

		assert_int_equal((uintptr_t)block % bytes, 0);
		assert_true(is_zero(block, bytes));
		memset(block, 0xff, bytes);
		assert_int_equal(STAT(pool, object_size), bytes);
		mempool_free(block, pool);
		mempool_destroy(pool);
	}
}

static void a_mempool_may_be_the_source_of_another(void)
{
	mempool_t *inner = scarce_pool(2), *outer;
	void *one, *two, *three;

	outer = mempool_create(1, mempool_alloc_mempool, mempool_free_mempool,
			       inner);
	assert_non_null(outer);
	one = mempool_alloc(outer, GFP_KERNEL); /* inner's last */
	two = mempool_alloc(outer, GFP_KERNEL); /* outer's own */
	assert_non_null(one);
	assert_non_null(two);
	three = mempool_alloc(outer, GFP_NOWAIT);
	assert_null(three);
	mempool_free(one, outer);
	assert_true(mempool_is_saturated(outer));
	mempool_free(two, outer);
	mempool_destroy(outer);
	assert_true(mempool_is_saturated(inner));
	mempool_destroy(inner);
	assert_int_equal(counting.live, 0);
}

/* A source with a fallback: the pool's own reserve. */
static mempool_t *own;

static void *from_its_own_reserve(gfp_t flags, void *data)
{
	void *element = counting_alloc(flags, data);

	if (!element && own)
		element = mempool_alloc(own,
					MEMPOOL_RESERVE_ONLY | MEMPOOL_NOWAIT);
	return element;
}

static void back_to_its_own_reserve(void *element, void *data)
{
	mempool_t *pool = own;

	own = NULL;
	if (pool && !mempool_is_saturated(pool))
		mempool_free(element, pool);
	else
		counting_free(element, data);
	own = pool;
}

static void no_lock_is_held_while_the_source_runs(void)
{
	void *got[MIN];

	own = mempool_create(MIN, from_its_own_reserve, back_to_its_own_reserve,
			     &counting);
	source_gives(0);
	for (int i = 0; i < MIN; i++)
		assert_non_null(got[i] = mempool_alloc(own, GFP_KERNEL));
	assert_null(mempool_alloc(own, GFP_NOWAIT));
	for (int i = 0; i < MIN; i++)
		mempool_free(got[i], own);
	source_gives(MIN);
	assert_int_equal(mempool_resize(own, 2 * MIN), 0);
	assert_int_equal(mempool_resize(own, 1), 0);
	assert_int_equal(counting.live, 1);
	mempool_destroy(own);
	assert_int_equal(counting.live, 0);
}

/* --- names, statistics, faults --- */

static int find_by_name(const struct mempool_stats *s, void *arg)
{
	return strcmp(s->name, arg) == 0 && strcmp(s->kind, "mempool") == 0;
}

static void a_pool_is_found_by_its_name(void)
{
	mempool_t *pool = mempool_create_kmalloc_pool(3, 64);

	assert_int_equal(mempool_stats_walk(find_by_name, "kmalloc-64"), 1);
	assert_errno(mempool_set_name(pool, NULL), EINVAL);
	assert_int_equal(mempool_set_name(pool, "requests"), 0);
	assert_int_equal(mempool_stats_walk(find_by_name, "kmalloc-64"), 0);
	assert_int_equal(mempool_stats_walk(find_by_name, "requests"), 1);
	assert_int_equal(STAT(pool, reserve_min), 3);
	assert_int_equal(STAT(pool, reserve_current), 3);
	mempool_destroy(pool);
	assert_int_equal(mempool_stats_walk(find_by_name, "requests"), 0);
}

static void a_fault_is_for_the_pool_that_it_names(void)
{
	mempool_t *one = mempool_create_kmalloc_pool(1, 64);
	mempool_t *two = mempool_create_kmalloc_pool(1, 64);
	void *got[4];

	mempool_set_name(one, "one");
	assert_int_equal(mempool_fault_set("one:2"), 0);
	for (int i = 0; i < 4; i++)
		got[i] = mempool_alloc(one, GFP_NOWAIT);
	assert_int_equal(STAT(one, reserve_used), 1);
	for (int i = 0; i < 4; i++)
		mempool_free(got[i], one);
	for (int i = 0; i < 4; i++)
		mempool_free(mempool_alloc(two, GFP_NOWAIT), two);
	assert_int_equal(STAT(two, reserve_used), 0);
	assert_errno(mempool_fault_set("one:"), EINVAL);
	assert_int_equal(mempool_fault_set(NULL), 0);
	assert_ptr_equal(one->quick_alloc, mempool_kmalloc);
	mempool_destroy(one);
	mempool_destroy(two);
}

static void prealloc_fails_at_every_k_by_injection_too(void)
{
	char rule[32];

	for (int k = 1; k <= 8; k++) {
		snprintf(rule, sizeof(rule), "mempool:%d", k);
		mempool_fault_set(rule);
		assert_refused(mempool_create(8, counting_alloc, counting_free,
					      &counting),
			       ENOMEM);
		assert_int_equal(counting.live, 0);
	}
}

static int find_first(const struct mempool_stats *s, void *arg)
{
	if (strcmp(s->kind, "mempool") != 0)
		return 0;
	strcpy(arg, s->name);
	return 1;
}

static void another_name_keeps_the_place_in_the_order(void)
{
	mempool_t *first = mempool_create_kmalloc_pool(1, 8);
	char name[MEMPOOL_NAME];

	assert_non_null(mempool_create_kmalloc_pool(1, 16));
	assert_int_equal(mempool_set_name(first, "renamed"), 0);
	assert_int_equal(mempool_stats_walk(find_first, name), 1);
	assert_string_equal(name, "renamed");
}

static void the_environment_can_ask_for_faults(void)
{
	setenv("MEMPOOL_FAIL", "kmalloc-8:2", 1);
	debug_start_faults();
	assert_refused(mempool_create_kmalloc_pool(3, 8), ENOMEM);
	assert_non_null(mempool_create_kmalloc_pool(3, 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(cleared_memory_is_clear_wherever_it_comes_from),
		APART(whose_size_is_not_known_cannot_be_cleared),
		APART(pages_are_aligned_to_their_order),
		APART(a_mempool_may_be_the_source_of_another),
		APART(no_lock_is_held_while_the_source_runs),
		APART(a_pool_is_found_by_its_name),
		APART(a_fault_is_for_the_pool_that_it_names),
		APART(prealloc_fails_at_every_k_by_injection_too),
		APART(another_name_keeps_the_place_in_the_order),
		APART(the_environment_can_ask_for_faults),
	};

	return cmocka_run_group_tests_name("mempool_watch", tests, NULL, NULL);
}
