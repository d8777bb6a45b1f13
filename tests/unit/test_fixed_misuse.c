/*
 * test_fixed_misuse.c - what pools of objects of one size say of crimes.
 */
#include "unit/apart.h"

#include <pthread.h>

#include "mempool/fixed.h"
#include "pool/debug.h"
#include "pool/tool.h"

enum { MANY = 8 };

static void *objects[MANY];

static mempool_fixed_t *make(size_t size, enum mempool_threading form,
			     size_t limit)
{
	struct mempool_options o = { .name = "test",
				     .threading = form,
				     .limit = limit };
	mempool_fixed_t *pool = mempool_fixed_create(size, &o);

	assert_non_null(pool);
	return pool;
}

/* Returns how many there were before memory was out. */
static size_t take(mempool_fixed_t *pool, size_t most)
{
	size_t n = 0;

	while (n < most && (objects[n] = mempool_fixed_alloc(pool)))
		n++;
	return n;
}

static void give(mempool_fixed_t *pool, size_t n)
{
	while (n-- > 0)
		mempool_fixed_free(pool, objects[n]);
}

static void freed_twice_at_once(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_LOCKED, 0);
	void *p = mempool_fixed_alloc(pool);

	mempool_fixed_free(pool, p);
	mempool_fixed_free(pool, p);
}

static void freed_twice_at_once_in_a_single_pool(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_SINGLE, 0);
	void *p = mempool_fixed_alloc(pool);

	mempool_fixed_free(pool, p);
	mempool_fixed_free(pool, p);
}

static void freed_twice_in_a_thread_local_pool(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_THREAD_LOCAL, 0);
	void *p = mempool_fixed_alloc(pool);

	mempool_fixed_free(pool, p);
	mempool_fixed_free(pool, p);
}

static void freed_twice_with_others_between(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_SINGLE, 0);

	take(pool, 2);
	mempool_fixed_free(pool, objects[0]);
	mempool_fixed_free(pool, objects[1]);
	mempool_fixed_free(pool, objects[0]);
	mempool_fixed_trim(pool);
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
	mempool_fixed_t *pool = make(100000, MEMPOOL_SINGLE, 0);

	take(pool, 2);
	mempool_fixed_free(pool, objects[0]);
	mempool_fixed_free(pool, objects[1]);
	mempool_fixed_free(pool, objects[0]);
}

static void watched_a_double_free_is_found_at_once(void)
{
	mempool_fixed_t *pool;

	debug_flags = DEBUG_POISON;
	pool = make(64, MEMPOOL_THREAD_LOCAL, 0);
	take(pool, 3);
	give(pool, 3);
	mempool_fixed_free(pool, objects[2]);
}

static void watched_a_foreign_pointer_is_found_at_once(void)
{
	mempool_fixed_t *pool;

	debug_flags = DEBUG_POISON;
	pool = make(64, MEMPOOL_LOCKED, 0);
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

static void run(void *(*body)(void *), void *arg)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, body, arg), 0);
	pthread_join(thread, NULL);
}

static void another_thread_in_a_single_pool_is_named(void)
{
	mempool_fixed_t *pool;

	debug_flags = DEBUG_OWNER;
	pool = make(64, MEMPOOL_SINGLE, 0);
	use(pool);
	run(use, pool);
}

static void the_owner_is_who_calls_first(void)
{
	mempool_fixed_t *pool;

	debug_flags = DEBUG_OWNER;
	pool = make(64, MEMPOOL_SINGLE, 0);
	run(use, pool);
	pool = make(64, MEMPOOL_LOCKED, 0);
	use(pool);
	run(use, pool);
}

/* Tools stop the program in ways of their own. */
static void a_tool_finds_a_use_after_free(void)
{
	int status;
	pid_t child;

	if (!tool_on)
		apart_skip("neither ASan nor valgrind looks on");
	child = fork();
	if (!child) {
		mempool_fixed_t *pool = make(64, MEMPOOL_THREAD_LOCAL, 0);
		char *volatile p = mempool_fixed_alloc(pool);

		p[0] = 1;
		mempool_fixed_free(pool, p);
		p[0] = 2;
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_not_equal(status, 0);
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
