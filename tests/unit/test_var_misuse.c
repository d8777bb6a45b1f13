/* SPDX-License-Identifier: MIT */
/*
 * test_var_misuse.c - what pools of objects of any size say of crimes.
 */
#include "unit/apart.h"

#include "pool/debug.h"
#include "unit/tools.h"
#include "unit/vars.h"

static void free_twice(enum mempool_threading form, size_t size)
{
	mempool_var_t *pool = make(form, 0);
	void *p = mempool_var_alloc(pool, size);

	mempool_var_free(pool, p);
	mempool_var_free(pool, p);
}

/* With another one freed between. */
static void free_twice_later(mempool_var_t *pool)
{
	void *p = mempool_var_alloc(pool, 100);
	void *q = mempool_var_alloc(pool, 100);

	mempool_var_free(pool, p);
	mempool_var_free(pool, q);
	mempool_var_free(pool, p);
	mempool_var_trim(pool);
}

static void freed_twice(void)
{
	free_twice(MEMPOOL_LOCKED, 100);
}

static void freed_twice_with_others_between(void)
{
	free_twice_later(make(MEMPOOL_SINGLE, 0));
}

static void a_large_one_is_freed_twice(void)
{
	free_twice(MEMPOOL_SINGLE, 100000);
}

static void a_foreign_pointer_is_freed(void)
{
	mempool_var_t *pool = make(MEMPOOL_LOCKED, 0);

	mempool_var_free(pool, mempool_var_alloc(pool, 10));
	mempool_var_free(pool, &pool);
}

static void a_foreign_pointer_is_resized(void)
{
	mempool_var_t *pool = make(MEMPOOL_LOCKED, 0);

	if (mempool_var_realloc(pool, &pool, 10))
		return;
}

static void a_foreign_pointer_is_measured(void)
{
	mempool_var_t *pool = make(MEMPOOL_LOCKED, 0);

	mempool_var_usable_size(pool, &pool);
}

static void a_pointer_into_an_object_is_freed(void)
{
	mempool_var_t *pool = make(MEMPOOL_THREAD_LOCAL, 0);
	char *p = mempool_var_alloc(pool, 100);

	mempool_var_free(pool, p + 16);
	mempool_var_check(pool);
}

static void a_pointer_into_a_large_object_is_freed(void)
{
	mempool_var_t *pool = make(MEMPOOL_THREAD_LOCAL, 0);
	char *p = mempool_var_alloc(pool, 100000);

	mempool_var_free(pool, p + 16);
}

static void watched_a_double_free_is_found_at_once(void)
{
	debug_flags = DEBUG_POISON;
	free_twice_later(make(MEMPOOL_LOCKED, 0));
}

static void use_after_free(size_t size)
{
	mempool_var_t *pool = make(MEMPOOL_LOCKED, 0);
	char *volatile p = mempool_var_alloc(pool, size);

	p[0] = 1;
	mempool_var_free(pool, p);
	p[0] = 2;
}

static void use_a_small_one(void)
{
	use_after_free(100);
}

static void use_a_large_one(void)
{
	use_after_free(100000);
}

static void a_tool_finds_a_use_after_free(void)
{
	assert_tool_stops(use_a_small_one);
}

static void a_tool_finds_a_use_after_free_of_a_large_one(void)
{
	assert_tool_stops(use_a_large_one);
}

static void a_destroyed_pool_is_used(void)
{
	mempool_var_t *pool = make(MEMPOOL_SINGLE, 0);

	mempool_var_destroy(pool);
	if (mempool_var_alloc(pool, 10))
		return;
}

static void an_object_is_freed_to_no_pool(void)
{
	mempool_var_t *pool = make(MEMPOOL_LOCKED, 0);

	mempool_var_free(NULL, mempool_var_alloc(pool, 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ABORTS(freed_twice, "double free"),
		ABORTS(freed_twice_with_others_between, "double free"),
		ABORTS(a_large_one_is_freed_twice, "invalid free"),
		ABORTS(a_foreign_pointer_is_freed, "no object of this pool"),
		ABORTS(a_foreign_pointer_is_resized, "no object of this pool"),
		ABORTS(a_foreign_pointer_is_measured, "no object of this pool"),
		ABORTS(a_pointer_into_an_object_is_freed,
		       "not the start of an object"),
		ABORTS(a_pointer_into_a_large_object_is_freed,
		       "not the start of an object"),
		ABORTS(watched_a_double_free_is_found_at_once, "double free"),
		APART(a_tool_finds_a_use_after_free),
		APART(a_tool_finds_a_use_after_free_of_a_large_one),
		ABORTS(a_destroyed_pool_is_used, "destroyed pool"),
		ABORTS(an_object_is_freed_to_no_pool,
		       "pool it is given to is NULL"),
	};

	return cmocka_run_group_tests_name("var misuse", tests, NULL, NULL);
}
