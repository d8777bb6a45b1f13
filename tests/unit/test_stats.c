/* SPDX-License-Identifier: MIT */
/*
 * test_stats.c - what the heap can say about itself.
 */
#include "unit/apart.h"

#include "unit/heaps.h"
#include "unit/source.h"
#include "unit/threads.h"

enum { C = 4, SIZE = C * CLASS_STEP, THREADS = 4 };

static void a_heap_not_started_has_sizes_and_nothing_else(void)
{
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++) {
		struct class_stats s = heaps_stats(c), none = { 0 };

		assert_int_equal(s.size, class_size(c));
		s.size = 0;
		assert_memory_equal(&s, &none, sizeof(s));
	}
}

static void counts_are_exact_after_each_call_of_one_thread(void)
{
	size_t calls = 0, live = 0;

	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 300; i++) {
			objects[live++] = object_alloc(SIZE);
			calls++;
			assert_int_equal(heaps_stats(C).allocs, calls);
			assert_int_equal(heaps_stats(C).live, live);
		}
		for (int i = 0; i < 250; i++) {
			object_free(objects[--live]);
			assert_int_equal(heaps_stats(C).frees, calls - live);
			assert_int_equal(heaps_stats(C).live, live);
		}
	}
}

static void a_class_counts_nothing_of_another(void)
{
	heaps_alloc(SIZE, 100);
	assert_int_equal(heaps_stats(C).allocs, 100);
	assert_int_equal(heaps_stats(C - 1).allocs, 0);
	assert_int_equal(heaps_stats(C + 1).allocs, 0);
}

static void stock_and_live_make_up_the_slabs(void)
{
	heaps_start(64);
	for (int step = 0; step < 100; step++) {
		heaps_alloc(SIZE, (size_t)step * 10);
		heaps_nothing_is_lost(C);
		heaps_free(objects, (size_t)step * 10);
		heaps_nothing_is_lost(C);
	}
}

static void the_peak_is_the_most_that_was_live(void)
{
	struct class_stats s;

	heaps_start(64);
	heaps_alloc(SIZE, 5000);
	heaps_free(objects, 5000);
	heaps_alloc(SIZE, 100);
	s = heaps_stats(C);
	assert_in_range(s.peak, 5000 - MAGAZINE_OBJECTS,
			5000 + MAGAZINE_OBJECTS);
	assert_int_equal(s.live, 100);
}

static pthread_barrier_t everybody;

static void *take_a_few(void *unused)
{
	for (int i = 0; i < 20; i++)
		assert_non_null(object_alloc(SIZE));
	pthread_barrier_wait(&everybody);
	pthread_barrier_wait(&everybody);
	return unused;
}

static void the_peak_is_never_above_what_was_asked_for(void)
{
	pthread_t threads[THREADS];
	struct class_stats s;

	pthread_barrier_init(&everybody, NULL, THREADS + 1);
	start_threads(threads, THREADS, take_a_few, NULL);
	pthread_barrier_wait(&everybody);
	heaps_alloc(SIZE, 40);
	s = heaps_stats(C);
	pthread_barrier_wait(&everybody);
	join_threads(threads, THREADS);
	assert_int_equal(s.allocs, THREADS * 20 + 40);
	assert_true(s.peak <= s.allocs);
}

static void the_peak_is_never_below_what_is_live(void)
{
	for (size_t i = 0; i < 3000; i++) {
		struct class_stats s;

		objects[i] = object_alloc(SIZE);
		s = heaps_stats(C);
		assert_true(s.peak >= s.live);
	}
}

static void *churn(void *seed)
{
	void *mine[500];
	uintptr_t random = (uintptr_t)seed;

	for (int round = 0; round < 200; round++) {
		size_t n = random % COUNT_OF(mine);

		random = random * 6364136223846793005u + 1442695040888963407u;
		random ^= random >> 33;
		for (size_t i = 0; i < n; i++)
			mine[i] = object_alloc(SIZE);
		for (size_t i = 0; i < n; i++)
			object_free(mine[i]);
	}
	mine[0] = object_alloc(SIZE);
	return NULL;
}

static void counts_are_exact_after_threads_are_joined(void)
{
	pthread_t threads[THREADS];

	heaps_start(64);
	for (uintptr_t i = 0; i < THREADS; i++)
		threads[i] = start_thread(churn, (void *)(i + 1));
	join_threads(threads, THREADS);
	assert_int_equal(heaps_stats(C).live, THREADS);
	heaps_nothing_is_lost(C);
}

static bool over;

static void *churn_until_over(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED))
		for (int i = 0; i < 1000; i++)
			object_free(object_alloc(SIZE));
	return NULL;
}

static void asking_while_threads_run_disturbs_nobody(void)
{
	pthread_t threads[THREADS];

	heaps_start(64);
	for (int i = 0; i < THREADS; i++)
		threads[i] = start_thread(churn_until_over, NULL);
	for (int i = 0; i < 2000; i++) {
		struct class_stats s = heaps_stats(C);

		assert_true(s.live <= THREADS * 4 * MAGAZINE_OBJECTS);
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	join_threads(threads, THREADS);
	assert_int_equal(heaps_stats(C).live, 0);
}

static void a_question_inside_a_slow_path_is_answered(void)
{
	heaps_start(64);
	heaps_alloc(SIZE, 100);
	assert_true(cache_enter(&heap_cache));
	lock_take(&central[C].lock);
	assert_int_equal(heaps_stats(C).size, SIZE);
	assert_int_equal(heaps_stats(C).reserve_current, 64);
	lock_release(&central[C].lock);
	cache_leave(&heap_cache);
	assert_int_equal(heaps_stats(C).live, 100);
}

static void the_reserve_is_shown_apart_from_the_stock(void)
{
	struct class_stats before, after;

	heaps_start(64);
	heaps_alloc(SIZE, 10);
	before = heaps_stats(C);
	assert_int_equal(before.reserve_min, 64);
	assert_int_equal(before.reserve_current, 64);
	source_refuse();
	for (int i = 0; i < 5; i++)
		assert_non_null(cache_alloc_reserve(SIZE));
	after = heaps_stats(C);
	assert_int_equal(after.reserve_current, 59);
	assert_int_equal(after.reserve_used, 5);
	assert_int_equal(after.stock, before.stock);
	assert_int_equal(after.live, before.live + 5);
}

static void failures_and_waits_are_counted(void)
{
	heaps_start(0);
	source_refuse();
	heaps_exhaust(SIZE, objects);
	for (int i = 0; i < 3; i++)
		assert_null(object_alloc_at_last(SIZE));
	config.wait_ms = 1;
	for (int i = 0; i < 2; i++)
		assert_null(object_alloc_at_last(SIZE));
	assert_int_equal(heaps_stats(C).failures, 5);
	assert_int_equal(heaps_stats(C).waits, 2);
}

static void waste_is_estimated_from_the_sizes_asked_for(void)
{
	struct class_stats s;

	heaps_alloc(SIZE - 12, 5000);
	s = heaps_stats(C);
	assert_in_range(s.waste_bytes, s.live * 11, s.live * 13);
	heaps_free(objects, 5000);
	assert_int_equal(heaps_stats(C).waste_bytes, 0);
}

static void exact_sizes_waste_nothing(void)
{
	heaps_alloc(SIZE, 5000);
	assert_int_equal(heaps_stats(C).waste_bytes, 0);
}

static void committed_bytes_are_those_of_the_slabs(void)
{
	heaps_alloc(SIZE, 5000);
	assert_int_equal(heaps_stats(C).committed_bytes,
			 heaps_stats(C).slabs * SLAB_BYTES);
	assert_true(heaps_stats(C).slabs >= 5);
}

static void what_was_given_back_is_counted(void)
{
	heaps_start(0);
	heaps_alloc(SIZE, 50000);
	assert_int_equal(heaps_stats(C).returned_bytes, 0);
	heaps_free(objects, 50000);
	heap_trim();
	assert_in_range(heaps_stats(C).returned_bytes, 40 * SLAB_BYTES,
			60 * SLAB_BYTES);
}

static void traffic_with_slabs_and_depot_is_counted(void)
{
	struct class_stats s;

	heaps_alloc(SIZE, 5000);
	s = heaps_stats(C);
	assert_in_range(s.refills, 30, 60);
	assert_int_equal(s.drains, 0);
	assert_int_equal(s.depot_hits, 0);
	heaps_free(objects, 5000);
	assert_in_range(heaps_stats(C).drains, 20, 60);
	heaps_alloc(SIZE, 1000);
	assert_in_range(heaps_stats(C).depot_hits, 1, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_heap_not_started_has_sizes_and_nothing_else),
		APART(counts_are_exact_after_each_call_of_one_thread),
		APART(a_class_counts_nothing_of_another),
		APART(stock_and_live_make_up_the_slabs),
		APART(the_peak_is_the_most_that_was_live),
		APART(the_peak_is_never_above_what_was_asked_for),
		APART(the_peak_is_never_below_what_is_live),
		APART(counts_are_exact_after_threads_are_joined),
		APART(asking_while_threads_run_disturbs_nobody),
		APART(a_question_inside_a_slow_path_is_answered),
		APART(the_reserve_is_shown_apart_from_the_stock),
		APART(failures_and_waits_are_counted),
		APART(waste_is_estimated_from_the_sizes_asked_for),
		APART(exact_sizes_waste_nothing),
		APART(committed_bytes_are_those_of_the_slabs),
		APART(what_was_given_back_is_counted),
		APART(traffic_with_slabs_and_depot_is_counted),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
