/* SPDX-License-Identifier: MIT */
/*
 * test_fixed_misuse.c - what pools of objects of one size say of crimes.
 */
#include "unit/apart.h"

#include "pool/debug.h"
#include "unit/fixeds.h"
#include "unit/tools.h"

static void free_twice(size_t size, enum mempool_threading form)
{
	mempool_fixed_t *pool = make(size, form, 0);
	void *p = mempool_fixed_alloc(pool);

	mempool_fixed_free(pool, p);
	mempool_fixed_free(pool, p);
}

/* With another one freed between. */
static void free_twice_later(size_t size)
{
	mempool_fixed_t *pool = make(size, MEMPOOL_SINGLE, 0);

	take(pool, 2);
	mempool_fixed_free(pool, objects[0]);
	mempool_fixed_free(pool, objects[1]);
	mempool_fixed_free(pool, objects[0]);
	mempool_fixed_trim(pool);
}

static void freed_twice_at_once(void)
{
	free_twice(64, MEMPOOL_LOCKED);
}

static void freed_twice_at_once_in_a_single_pool(void)
{
	free_twice(64, MEMPOOL_SINGLE);
}

static void freed_twice_in_a_thread_local_pool(void)
{
	free_twice(64, MEMPOOL_THREAD_LOCAL);
}

static void freed_twice_with_others_between(void)
{
	free_twice_later(64);
}

static void a_foreign_pointer_is_freed(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_LOCKED, 0);

	mempool_fixed_free(pool, &pool);
	mempool_fixed_trim(pool);
}

static void a_very_foreign_pointer_is_freed(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_LOCKED, 0);

	mempool_fixed_free(pool, (void *)16);
	mempool_fixed_check(pool);
}

static void an_object_of_another_pool_is_freed(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_SINGLE, 0);
	mempool_fixed_t *other = make(64, MEMPOOL_SINGLE, 0);

	mempool_fixed_free(pool, mempool_fixed_alloc(other));
	mempool_fixed_trim(pool);
}

static void a_pointer_into_an_object_is_freed(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_THREAD_LOCAL, 0);
	char *p = mempool_fixed_alloc(pool);

	mempool_fixed_free(pool, p + 16);
	mempool_fixed_check(pool);
}

static void a_large_object_is_freed_twice(void)
{
	free_twice_later(100000);
}

static mempool_fixed_t *debugged(unsigned flags, enum mempool_threading form)
{
	debug_flags = flags;
	return make(64, form, 0);
}

static void watched_a_double_free_is_found_at_once(void)
{
	mempool_fixed_t *pool = debugged(DEBUG_POISON, MEMPOOL_THREAD_LOCAL);

	take(pool, 3);
	give(pool, 3);
	mempool_fixed_free(pool, objects[2]);
}

static void watched_a_foreign_pointer_is_found_at_once(void)
{
	mempool_fixed_t *pool = debugged(DEBUG_POISON, MEMPOOL_LOCKED);

	mempool_fixed_free(pool, &pool);
}

static void watched_a_write_after_free_is_found_when_reused(void)
{
	mempool_fixed_t *pool;
	char *p;

	debug_flags = DEBUG_POISON;
	tool_on = false;
	pool = make(64, MEMPOOL_SINGLE, 0);
	p = mempool_fixed_alloc(pool);
	mempool_fixed_free(pool, p);
	p[20] = 1;
	p = mempool_fixed_alloc(pool);
}

static void *use(void *pool)
{
	mempool_fixed_free(pool, mempool_fixed_alloc(pool));
	return NULL;
}

static void another_thread_in_a_single_pool_is_named(void)
{
	mempool_fixed_t *pool = debugged(DEBUG_OWNER, MEMPOOL_SINGLE);

	use(pool);
	run_thread(use, pool);
}

static void the_owner_is_who_calls_first(void)
{
	mempool_fixed_t *pool = debugged(DEBUG_OWNER, MEMPOOL_SINGLE);

	run_thread(use, pool);
	pool = make(64, MEMPOOL_LOCKED, 0);
	use(pool);
	run_thread(use, pool);
}

static void use_after_free(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_THREAD_LOCAL, 0);
	char *volatile p = mempool_fixed_alloc(pool);

	p[0] = 1;
	mempool_fixed_free(pool, p);
	p[0] = 2;
}

static void a_tool_finds_a_use_after_free(void)
{
	assert_tool_stops(use_after_free);
}

static void a_pool_is_destroyed_twice(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_LOCKED, 0);

	mempool_fixed_destroy(pool);
	mempool_fixed_destroy(pool);
}

static void a_destroyed_pool_is_used(void)
{
	for (int i = 0; i < 3; i++) {
		mempool_fixed_t *pool = make(64, MEMPOOL_SINGLE, 0);
		void *p = mempool_fixed_alloc(pool);

		mempool_fixed_destroy(pool);
		if (i == 2)
			mempool_fixed_free(pool, p);
	}
}

static void an_object_is_freed_to_no_pool(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_SINGLE, 0);

	mempool_fixed_free(NULL, mempool_fixed_alloc(pool));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ABORTS(freed_twice_at_once, "double free"),
		ABORTS(freed_twice_at_once_in_a_single_pool, "double free"),
		ABORTS(freed_twice_in_a_thread_local_pool, "double free"),
		ABORTS(freed_twice_with_others_between, "double free"),
		ABORTS(a_foreign_pointer_is_freed, "no object of this pool"),
		ABORTS(a_very_foreign_pointer_is_freed,
		       "no object of this pool"),
		ABORTS(an_object_of_another_pool_is_freed,
		       "no object of this pool"),
		ABORTS(a_pointer_into_an_object_is_freed,
		       "not the start of an object"),
		ABORTS(a_large_object_is_freed_twice, "double free"),
		ABORTS(watched_a_double_free_is_found_at_once, "double free"),
		ABORTS(watched_a_foreign_pointer_is_found_at_once,
		       "no object of this pool"),
		ABORTS(watched_a_write_after_free_is_found_when_reused, "0x"),
		ABORTS(another_thread_in_a_single_pool_is_named,
		       "use by another thread"),
		APART(the_owner_is_who_calls_first),
		APART(a_tool_finds_a_use_after_free),
		ABORTS(a_pool_is_destroyed_twice, "destroyed pool"),
		ABORTS(a_destroyed_pool_is_used, "destroyed pool"),
		ABORTS(an_object_is_freed_to_no_pool,
		       "pool it is given to is NULL"),
	};

	return cmocka_run_group_tests_name("fixed misuse", tests, NULL, NULL);
}
