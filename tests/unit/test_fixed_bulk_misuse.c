/* SPDX-License-Identifier: MIT */
/*
 * test_fixed_bulk_misuse.c - what pools of objects of one size say of crimes
 * with several objects at once.
 */
#include "unit/apart.h"

#include <pthread.h>

#include "base/tool.h"
#include "mempool/fixed.h"
#include "pool/debug.h"

enum { SIZE = 64 };

static void *objects[5];

static mempool_fixed_t *make(enum mempool_threading form)
{
	struct mempool_options o = { .name = "test", .threading = form };
	mempool_fixed_t *pool = mempool_fixed_create(SIZE, &o);

	assert_non_null(pool);
	return pool;
}

static void take(mempool_fixed_t *pool, void **into, size_t n)
{
	assert_int_equal(mempool_fixed_alloc_bulk(pool, into, n), 0);
}

/* The array holds objects[0..3] and one of them again. */
static void free_twice(enum mempool_threading form, size_t again)
{
	mempool_fixed_t *pool = make(form);

	take(pool, objects, 4);
	objects[4] = objects[again];
	mempool_fixed_free_bulk(pool, objects, 5);
}

static void twice_in_a_row_in_a_batch(void)
{
	free_twice(MEMPOOL_LOCKED, 3);
}

static void twice_in_a_row_in_a_batch_of_a_single_pool(void)
{
	free_twice(MEMPOOL_SINGLE, 3);
}

static void twice_in_a_row_in_a_batch_of_a_thread_local_pool(void)
{
	free_twice(MEMPOOL_THREAD_LOCAL, 3);
}

static void twice_in_a_batch_found_at_trim(void)
{
	mempool_fixed_t *pool = make(MEMPOOL_SINGLE);

	take(pool, objects, 4);
	objects[4] = objects[1];
	mempool_fixed_free_bulk(pool, objects, 5);
	mempool_fixed_trim(pool);
}

static void watched_twice_in_a_batch(void)
{
	debug_flags = DEBUG_POISON;
	free_twice(MEMPOOL_LOCKED, 1);
}

static void a_batch_that_begins_with_what_was_freed_last(void)
{
	mempool_fixed_t *pool = make(MEMPOOL_SINGLE);

	take(pool, objects, 4);
	mempool_fixed_free_bulk(pool, objects, 4);
	mempool_fixed_free_bulk(pool, objects + 3, 1);
}

static void a_batch_freed_before_one_object_of_it(void)
{
	mempool_fixed_t *pool = make(MEMPOOL_THREAD_LOCAL);

	take(pool, objects, 4);
	mempool_fixed_free_bulk(pool, objects, 4);
	mempool_fixed_free(pool, objects[3]);
}

static void a_foreign_pointer_in_a_batch(void)
{
	mempool_fixed_t *pool = make(MEMPOOL_LOCKED);

	take(pool, objects, 4);
	objects[2] = &pool;
	mempool_fixed_free_bulk(pool, objects, 4);
	mempool_fixed_trim(pool);
}

static void watched_a_pointer_into_an_object_in_a_batch(void)
{
	mempool_fixed_t *pool;

	debug_flags = DEBUG_POISON;
	pool = make(MEMPOOL_THREAD_LOCAL);
	take(pool, objects, 4);
	objects[2] = (char *)objects[2] + 16;
	mempool_fixed_free_bulk(pool, objects, 4);
}

static void watched_a_write_after_free_is_found_in_a_batch(void)
{
	mempool_fixed_t *pool;

	debug_flags = DEBUG_POISON;
	tool_on = false;
	pool = make(MEMPOOL_SINGLE);
	take(pool, objects, 4);
	mempool_fixed_free_bulk(pool, objects, 4);
	((char *)objects[2])[20] = 1;
	take(pool, objects, 4);
}

static void *use_alone(void *pool)
{
	take(pool, objects, 1);
	mempool_fixed_free_bulk(pool, objects, 1);
	return NULL;
}

static void a_batch_by_another_thread_in_a_single_pool(void)
{
	pthread_t thread;
	mempool_fixed_t *pool;

	debug_flags = DEBUG_OWNER;
	pool = make(MEMPOOL_SINGLE);
	use_alone(pool);
	pthread_create(&thread, NULL, use_alone, pool);
	pthread_join(thread, NULL);
}

static void a_batch_of_a_destroyed_pool(void)
{
	mempool_fixed_t *pool = make(MEMPOOL_SINGLE);

	take(pool, objects, 4);
	mempool_fixed_destroy(pool);
	mempool_fixed_free_bulk(pool, objects, 4);
}

static void a_batch_freed_to_no_pool(void)
{
	mempool_fixed_t *pool = make(MEMPOOL_SINGLE);

	take(pool, objects + 1, 1);
	mempool_fixed_free_bulk(NULL, objects, 2);
}

static void a_batch_without_an_array(void)
{
	mempool_fixed_free_bulk(make(MEMPOOL_SINGLE), NULL, 2);
}

static void a_batch_longer_than_memory(void)
{
	mempool_fixed_free_bulk(make(MEMPOOL_LOCKED), objects, (size_t)-1);
}

/* Tools stop the program in ways of their own. */
static void a_tool_finds_a_use_after_a_batch_was_freed(void)
{
	int status;
	pid_t child;

	if (!tool_on)
		apart_skip("neither ASan nor valgrind looks on");
	child = fork();
	if (!child) {
		mempool_fixed_t *pool = make(MEMPOOL_THREAD_LOCAL);
		char *volatile p;

		take(pool, objects, 4);
		p = objects[2];
		p[0] = 1;
		mempool_fixed_free_bulk(pool, objects, 4);
		p[0] = 2;
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_not_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ABORTS(twice_in_a_row_in_a_batch, "double free"),
		ABORTS(twice_in_a_row_in_a_batch_of_a_single_pool,
		       "double free"),
		ABORTS(twice_in_a_row_in_a_batch_of_a_thread_local_pool,
		       "double free"),
		ABORTS(twice_in_a_batch_found_at_trim, "double free"),
		ABORTS(watched_twice_in_a_batch, "double free"),
		ABORTS(a_batch_that_begins_with_what_was_freed_last,
		       "double free"),
		ABORTS(a_batch_freed_before_one_object_of_it, "double free"),
		ABORTS(a_foreign_pointer_in_a_batch, "no object of this pool"),
		ABORTS(watched_a_pointer_into_an_object_in_a_batch,
		       "not the start of an object"),
		ABORTS(watched_a_write_after_free_is_found_in_a_batch, "0x"),
		ABORTS(a_batch_by_another_thread_in_a_single_pool,
		       "use by another thread"),
		ABORTS(a_batch_of_a_destroyed_pool, "destroyed pool"),
		ABORTS(a_batch_freed_to_no_pool, "pool it is given to is NULL"),
		ABORTS(a_batch_without_an_array, "no array of objects"),
		ABORTS(a_batch_longer_than_memory, "no array of objects"),
		APART(a_tool_finds_a_use_after_a_batch_was_freed),
	};

	return cmocka_run_group_tests_name("fixed bulk misuse", tests, NULL,
					   NULL);
}
