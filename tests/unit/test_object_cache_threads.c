/* SPDX-License-Identifier: MIT */
/*
 * test_object_cache_threads.c - object caches: stocks of threads, fork.
 */
#include "unit/apart.h"

#include "unit/caches.h"
#include "unit/threads.h"

enum { THREADS = 4, EACH = 2000 };

static mempool_cache_t *cache;

/* --- stocks --- */

static void *get_and_put_many(void *unused)
{
	void *all[100];

	(void)unused;
	for (int round = 0; round < EACH / 100; round++) {
		for (int i = 0; i < 100; i++) {
			all[i] = mempool_cache_get(cache, 0);
			assert_true(is_fit(all[i], NULL));
			((struct thing *)all[i])->uses++;
		}
		put_all(cache, all, 100);
	}
	return NULL;
}

static int add_uses(void *object, void *arg)
{
	*(unsigned long *)arg += ((struct thing *)object)->uses;
	return 0;
}

static void threads_share_what_is_constructed(void)
{
	for (int t = 0; t < 3; t++) {
		pthread_t threads[THREADS];
		unsigned long uses = 0;

		if (t == MEMPOOL_SINGLE)
			continue;
		made = unmade = 0;
		cache = cache_of(t);
		for (int i = 0; i < THREADS; i++)
			threads[i] = start_thread(get_and_put_many, NULL);
		join_threads(threads, THREADS);
		assert_true(made <= THREADS * 164);
		assert_int_equal(stats_of(cache).live, 0);
		assert_int_equal(stats_of(cache).stock, made);
		mempool_cache_check(cache);
		for (long i = 0; i < made; i++)
			assert_non_null(mempool_cache_get(cache, 0));
		mempool_cache_walk(cache, add_uses, &uses);
		assert_int_equal(uses, THREADS * EACH);
		end_of(cache);
	}
}

static void *put_each(void *objects)
{
	put_all(cache, objects, EACH);
	return NULL;
}

static void another_thread_may_put(void)
{
	void *all[EACH];

	cache = cache_of(MEMPOOL_THREAD_LOCAL);
	for (int round = 0; round < 10; round++) {
		get_all(cache, all, EACH);
		run_thread(put_each, all);
		assert_int_equal(stats_of(cache).live, 0);
		mempool_cache_check(cache);
	}
	assert_true(made <= EACH + 64);
	end_of(cache);
}

static void *get_and_put_one(void *unused)
{
	(void)unused;
	get_and_put(cache);
	return NULL;
}

static void the_stock_of_a_thread_that_ends_serves_others(void)
{
	cache = cache_of(MEMPOOL_THREAD_LOCAL);
	for (int i = 0; i < 500; i++)
		run_thread(get_and_put_one, NULL);
	assert_int_equal(made, 1);
	assert_int_equal(stats_of(cache).stock, 1);
	mempool_cache_destroy(cache);
}

static pthread_key_t late_key;

static void late(void *object)
{
	mempool_cache_put(cache, object);
	get_and_put(cache);
}

static void *leave_one_for_the_end(void *unused)
{
	(void)unused;
	pthread_setspecific(late_key, mempool_cache_get(cache, 0));
	get_and_put(cache);
	return NULL;
}

static void a_thread_past_its_end_works_without_a_stock(void)
{
	uint64_t overhead;

	cache = cache_of(MEMPOOL_THREAD_LOCAL);
	/* The library's own key comes first; then that of the test. */
	get_and_put(cache);
	overhead = stats_of(cache).overhead_bytes;
	pthread_key_create(&late_key, late);
	for (int i = 0; i < 20; i++)
		run_thread(leave_one_for_the_end, NULL);
	assert_int_equal(stats_of(cache).overhead_bytes, overhead);
	assert_true(made <= 4);
	assert_int_equal(stats_of(cache).live, 0);
	end_of(cache);
}

static void stocks_of_large_objects_are_small(void)
{
	struct mempool_cache_options o = {
		.base = { .threading = MEMPOOL_THREAD_LOCAL }
	};
	void *p[10];

	cache = mempool_cache_create(1 << 20, &o);
	get_all(cache, p, 10);
	put_all(cache, p, 10);
	assert_int_equal(stats_of(cache).stock, 10);
	run_thread(get_and_put_one, NULL);
	mempool_cache_trim(cache);
	assert_int_equal(stats_of(cache).stock, 0);
	mempool_cache_destroy(cache);
}

static void more_caches_than_slots_work_as_well(void)
{
	mempool_cache_t *all[MEMPOOL_LOCAL_SLOTS + 8];

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		all[i] = cache_of(MEMPOOL_THREAD_LOCAL);
		mempool_cache_put(all[i], mempool_cache_get(all[i], 0));
	}
	assert_int_equal(made, COUNT_OF(all));
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		mempool_cache_check(all[i]);
		mempool_cache_destroy(all[i]);
	}
	assert_int_equal(unmade, COUNT_OF(all));
}

static void *walk_it(void *unused)
{
	unsigned long uses = 0;

	(void)unused;
	for (int i = 0; i < 50; i++) {
		mempool_cache_walk(cache, add_uses, &uses);
		stats_of(cache);
	}
	return NULL;
}

static void *come_and_go(void *unused)
{
	(void)unused;
	for (int i = 0; i < 50; i++)
		run_thread(get_and_put_one, NULL);
	return NULL;
}

static void walks_and_statistics_meet_threads_that_come_and_go(void)
{
	pthread_t threads[2];

	cache = cache_of(MEMPOOL_THREAD_LOCAL);
	threads[0] = start_thread(walk_it, NULL);
	threads[1] = start_thread(come_and_go, NULL);
	join_threads(threads, 2);
	end_of(cache);
}

/* --- fork --- */

static void *get_and_put_until_told(void *stop)
{
	while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED))
		get_and_put(cache);
	return NULL;
}

static int use_in_child(void)
{
	void *all[300];

	for (int i = 0; i < 300; i++)
		all[i] = mempool_cache_get(cache, MEMPOOL_NOWAIT);
	for (int i = 0; i < 300; i++)
		if (all[i])
			mempool_cache_put(cache, all[i]);
	mempool_cache_trim(cache);
	mempool_cache_check(cache);
	mempool_cache_destroy(cache);
	return 0;
}

static void fork_under_load(mempool_cache_t *c)
{
	pthread_t threads[2];
	bool stop = false;

	cache = c;
	for (int i = 0; i < 2; i++)
		threads[i] = start_thread(get_and_put_until_told, &stop);
	for (int i = 0; i < 30; i++) {
		pid_t child = fork();

		if (!child)
			_exit(use_in_child());
		assert_child_succeeds(child);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	join_threads(threads, 2);
	mempool_cache_check(cache);
	mempool_cache_destroy(cache);
}

static void a_child_can_use_a_cache_that_others_were_in(void)
{
	fork_under_load(cache_of(MEMPOOL_LOCKED));
}

static void a_child_can_use_stocks_that_others_were_in(void)
{
	fork_under_load(cache_of(MEMPOOL_THREAD_LOCAL));
}

static void a_child_does_not_serve_those_who_waited(void)
{
	fork_under_load(blocking_cache(1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(threads_share_what_is_constructed),
		APART(another_thread_may_put),
		APART(the_stock_of_a_thread_that_ends_serves_others),
		APART(a_thread_past_its_end_works_without_a_stock),
		APART(stocks_of_large_objects_are_small),
		APART(more_caches_than_slots_work_as_well),
		APART(walks_and_statistics_meet_threads_that_come_and_go),
		APART(a_child_can_use_a_cache_that_others_were_in),
		APART(a_child_can_use_stocks_that_others_were_in),
		APART(a_child_does_not_serve_those_who_waited),
	};

	return cmocka_run_group_tests_name("object cache threads", tests, NULL,
					   NULL);
}
