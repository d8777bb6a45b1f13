/* SPDX-License-Identifier: MIT */
/*
 * test_var_memory.c - pools of objects of any size: resizing, memory, threads.
 */
#include "unit/apart.h"

#include "base/inject.h"
#include "base/tool.h"
#include "unit/errors.h"
#include "unit/threads.h"
#include "unit/vars.h"

enum { THREADS = 4 };

/* --- realloc --- */

static void realloc_stays_where_there_is_room(void)
{
	struct mempool_options o = { .initial = 1 << 20 };
	mempool_var_t *pool = mempool_var_create(&o);
	void *p = mempool_var_alloc(pool, 100);
	size_t room = mempool_var_usable_size(pool, p);

	assert_ptr_equal(mempool_var_realloc(pool, p, room), p);
	assert_ptr_equal(mempool_var_realloc(pool, p, room / 2 + 1), p);
	p = mempool_var_alloc(pool, 100000);
	room = mempool_var_usable_size(pool, p);
	assert_ptr_equal(mempool_var_realloc(pool, p, room), p);
	/* And takes what follows; tools like it better elsewhere. */
	if (!tool_on) {
		assert_ptr_equal(mempool_var_realloc(pool, p, room + 1), p);
		assert_ptr_equal(mempool_var_realloc(pool, p, 150000), p);
	}
	mempool_var_check(pool);
	mempool_var_free(pool, p);
	mempool_var_check(pool);
	mempool_var_destroy(pool);
}

static void a_realloc_that_fails_leaves_the_object(void)
{
	mempool_var_t *pool = make(MEMPOOL_LOCKED, 1 << 20);
	char *p = mempool_var_alloc(pool, 500);

	memset(p, 'x', 500);
	assert_refused(mempool_var_realloc(pool, p, 2 << 20), ENOMEM);
	for (int i = 0; i < 500; i++)
		assert_int_equal(p[i], 'x');
	assert_int_equal(stats_of(pool).live, 1);
	/* A smaller size never fails. */
	assert_true(inject_set("pages:1+"));
	while (mempool_var_alloc(pool, 16))
		;
	assert_non_null(mempool_var_realloc(pool, p, 10));
	mempool_var_destroy(pool);
}

/* --- memory --- */

static void preallocated_memory_is_all_that_is_used(void)
{
	struct mempool_options o = { .initial = 1 << 20, .limit = 1 << 20 };
	mempool_var_t *pool = mempool_var_create(&o);
	size_t bytes = 0, n = 0;
	void *all[3000];

	assert_true(stats_of(pool).held_bytes >= 1 << 20);
	while ((all[n] = mempool_var_alloc(pool, 400 + n % 200))) {
		bytes += 400 + n % 200;
		n++;
	}
	assert_true(bytes > (1 << 20) * 70 / 100);
	assert_int_equal(stats_of(pool).refills, 1);
	while (n-- > 0)
		mempool_var_free(pool, all[n]);
	/* What small ones had, a large one can have. */
	assert_non_null(mempool_var_alloc(pool, 900000));
	mempool_var_destroy(pool);
}

static void memory_of_one_class_serves_another(void)
{
	for (size_t f = 0; f < FORMS; f++) {
		mempool_var_t *pool = make(forms[f], 256 << 10);
		static void *all[20000];

		for (size_t size = 16; size <= 1024; size *= 2) {
			size_t n = 0;

			while ((all[n] = mempool_var_alloc(pool, size)))
				n++;
			/* Under tools there are bytes behind each. */
			assert_true(tool_on ||
				    n * size > (256 << 10) * 70 / 100);
			while (n-- > 0)
				mempool_var_free(pool, all[n]);
		}
		mempool_var_check(pool);
		mempool_var_destroy(pool);
	}
}

static void trim_gives_back_what_is_free(void)
{
	mempool_var_t *pool = make(MEMPOOL_THREAD_LOCAL, 0);
	static void *all[20000];

	for (size_t i = 0; i < COUNT_OF(all); i++)
		all[i] = mempool_var_alloc(pool, 16 + i % 1000);
	for (size_t i = 0; i < COUNT_OF(all); i++)
		mempool_var_free(pool, all[i * 7919 % COUNT_OF(all)]);
	assert_true(mempool_var_trim(pool) >= 8 << 20);
	assert_int_equal(stats_of(pool).stock, 0);
	mempool_var_check(pool);
	mempool_var_destroy(pool);
}

static void bookkeeping_is_small(void)
{
	mempool_var_t *pool = make(MEMPOOL_SINGLE, 0);
	struct mempool_stats s;

	for (size_t i = 0; i < 100000; i++)
		assert_non_null(mempool_var_alloc(pool, 16 + i * 31 % 497));
	s = stats_of(pool);
	printf("overhead: %.2f bytes an object\n",
	       (double)s.overhead_bytes / (double)s.live);
	assert_true(s.overhead_bytes / s.live < 16);
	mempool_var_destroy(pool);
}

static void a_large_object_counts_once(void)
{
	mempool_var_t *pool = make(MEMPOOL_LOCKED, 0);
	struct mempool_stats s;
	void *p = mempool_var_alloc(pool, 1 << 20);

	s = stats_of(pool);
	assert_true(s.live_bytes >= 1 << 20);
	assert_true(s.held_bytes < 3 << 20);
	assert_true(s.overhead_bytes < 1 << 16);
	mempool_var_free(pool, p);
	mempool_var_destroy(pool);
}

/* --- threads --- */

static mempool_var_t *shared;

static void *use_in_batches(void *number)
{
	size_t n = (size_t)(intptr_t)number;
	char *mine[200];

	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < 200; i++) {
			mine[i] = mempool_var_alloc(shared, 8 + i * n % 2000);
			assert_non_null(mine[i]);
			memset(mine[i], (int)n, 8 + i * n % 2000);
		}
		for (size_t i = 0; i < 200; i++) {
			assert_int_equal(mine[i][i * n % 2000], n);
			mempool_var_free(shared, mine[i]);
		}
	}
	return NULL;
}

static void threads_never_get_the_same_object(void)
{
	pthread_t threads[THREADS];

	for (size_t f = 0; f < FORMS_SHARED; f++) {
		shared = make(forms[f], 0);
		for (int i = 0; i < THREADS; i++)
			threads[i] = start_thread(use_in_batches,
						  (void *)(intptr_t)(i + 1));
		for (int i = 0; i < 50; i++)
			stats_of(shared);
		join_threads(threads, THREADS);
		mempool_var_check(shared);
		assert_int_equal(stats_of(shared).live, 0);
		mempool_var_destroy(shared);
	}
}

static void *allocate_and_free(void *p)
{
	mempool_var_free(shared, p);
	return mempool_var_alloc(shared, 100);
}

static void short_threads_leave_nothing(void)
{
	void *p = NULL;
	uint64_t held = 0;

	shared = make(MEMPOOL_THREAD_LOCAL, 0);
	for (int i = 0; i < 3000; i++) {
		pthread_t thread;

		thread = start_thread(allocate_and_free, p);
		pthread_join(thread, &p);
		if (i == 10)
			held = stats_of(shared).held_bytes;
	}
	assert_int_equal(stats_of(shared).held_bytes, held);
	assert_int_equal(stats_of(shared).live, 1);
	mempool_var_destroy(shared);
}

static void in_a_child_the_pool_works_on(void)
{
	shared = make(MEMPOOL_THREAD_LOCAL, 0);
	for (int i = 0; i < 20; i++) {
		pthread_t thread;
		pid_t child;

		thread = start_thread(use_in_batches, (void *)3);
		child = fork();
		if (!child) {
			alarm(60);
			for (size_t n = 0; n < 1000; n++)
				if (!mempool_var_alloc(shared, n))
					_exit(1);
			mempool_var_check(shared);
			mempool_var_destroy(shared);
			_exit(0);
		}
		assert_child_succeeds(child);
		join_thread(thread);
	}
	mempool_var_destroy(shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(realloc_stays_where_there_is_room),
		APART(a_realloc_that_fails_leaves_the_object),
		APART(preallocated_memory_is_all_that_is_used),
		APART(memory_of_one_class_serves_another),
		APART(trim_gives_back_what_is_free),
		APART(bookkeeping_is_small),
		APART(a_large_object_counts_once),
		APART(threads_never_get_the_same_object),
		APART(short_threads_leave_nothing),
		APART(in_a_child_the_pool_works_on),
	};

	return cmocka_run_group_tests_name("var memory", tests, NULL, NULL);
}
