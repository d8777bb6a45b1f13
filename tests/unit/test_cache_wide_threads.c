/* SPDX-License-Identifier: MIT */
/*
 * test_cache_wide_threads.c - wide classes between threads and processes:
 * magazines whose free sides are short change hands, and memory runs out.
 */
#include "unit/apart.h"

#include <unistd.h>

#include "unit/forks.h"
#include "unit/heaps.h"
#include "unit/source.h"
#include "unit/threads.h"

enum { SIZE = 2048, KEPT = 40, THREADS = 4, RESERVE = 6 };

static void start(size_t reserve)
{
	config.small_max = WIDE_MAX;
	config.reserve_wide = reserve;
	heaps_start(0);
	heaps_alloc(SIZE, 100);
	heaps_free(objects, 100);
}

/* --- threads that end, and processes without them --- */

static void *free_half(void *gate)
{
	void *mine[KEPT];

	for (size_t i = 0; i < KEPT; i++)
		mine[i] = object_alloc(SIZE);
	for (size_t i = 0; i < KEPT / 2; i++)
		object_free(mine[i]);
	if (gate) {
		pthread_barrier_wait(gate);
		pthread_barrier_wait(gate);
	}
	for (size_t i = KEPT / 2; i < KEPT; i++)
		object_free(mine[i]);
	return NULL;
}

static void a_thread_that_ends_leaves_its_free_sides_behind(void)
{
	unsigned c = class_of(SIZE);
	size_t slabs = 0;

	start(0);
	for (int i = 0; i < 100; i++) {
		run_thread(free_half, NULL);
		assert_int_equal(heaps_stats(c).live, 0);
		heaps_nothing_is_lost(c);
		if (i == 10)
			slabs = central[c].slabs.count;
	}
	assert_true(central[c].slabs.count <= slabs);
}

static void a_child_gets_what_the_lost_threads_had_freed(void)
{
	unsigned c = class_of(SIZE);
	pthread_t threads[THREADS];
	pthread_barrier_t gate;
	pid_t child;

	start(0);
	forks_know_the_heap();
	pthread_barrier_init(&gate, NULL, THREADS + 1);
	start_threads(threads, THREADS, free_half, &gate);
	pthread_barrier_wait(&gate);
	fork_prepare();
	child = fork();
	if (!child) {
		fork_child();
		assert_int_equal(heaps_stats(c).live, THREADS * KEPT / 2);
		heaps_nothing_is_lost(c);
		heaps_alloc(SIZE, 1000);
		heaps_free(objects, 1000);
		heaps_nothing_is_lost(c);
		_exit(0);
	}
	fork_parent();
	pthread_barrier_wait(&gate);
	join_threads(threads, THREADS);
	assert_child_succeeds(child);
	assert_int_equal(heaps_stats(c).live, 0);
	heaps_nothing_is_lost(c);
}

/* --- memory out --- */

/* Takes all there is, the reserve too; what was got is in objects[]. */
static size_t run_dry(void)
{
	size_t got;

	source_refuse();
	got = heaps_exhaust(SIZE, objects);
	while ((objects[got] = cache_alloc_reserve(SIZE)))
		got++;
	return got;
}

static void frees_fill_a_wide_reserve_before_anything_else(void)
{
	unsigned c = class_of(SIZE);
	size_t got;

	start(RESERVE);
	got = run_dry();
	for (size_t i = 0; i < RESERVE; i++) {
		assert_int_equal(heaps_stats(c).reserve_current, i);
		object_free(objects[--got]);
	}
	assert_int_equal(heaps_stats(c).reserve_current, RESERVE);
	assert_null(object_alloc(SIZE));
	object_free(objects[--got]);
	assert_non_null(object_alloc(SIZE));
	heaps_nothing_is_lost(c);
	heaps_free(objects, got);
	assert_false(central[c].scarce);
	heaps_nothing_is_lost(c);
}

/* The free side is short, and full at another place than a small class's. */
static void no_free_side_is_lost_when_the_source_fails(void)
{
	unsigned c = class_of(SIZE), fill = class_fill(c);

	start(RESERVE);
	for (size_t freed = 0; freed <= fill + 3; freed++) {
		size_t got = 2 * fill - freed;

		source_allow();
		heaps_alloc(SIZE, 2 * fill);
		heaps_free(objects + got, freed);
		source_refuse();
		got += heaps_exhaust(SIZE, objects + got);
		while ((objects[got] = cache_alloc_reserve(SIZE)))
			got++;
		heaps_nothing_is_lost(c);
		assert_int_equal(heaps_stats(c).live, got);
		heaps_free(objects, got);
		assert_int_equal(heaps_stats(c).live, 0);
	}
}

static void *want_one(void *got)
{
	*(void **)got = object_alloc_at_last(SIZE);
	return NULL;
}

static void a_free_wakes_who_waits_for_a_wide_object(void)
{
	unsigned c = class_of(SIZE);
	pthread_t waiter;
	void *got = NULL;
	size_t n;

	start(RESERVE);
	config.wait_ms = 1000 * APART_SECONDS;
	n = run_dry();
	waiter = start_thread(want_one, &got);
	while (!heaps_stats(c).waits)
		usleep(1000);
	object_free(objects[n - 1]);
	join_thread(waiter);
	assert_ptr_equal(got, objects[n - 1]);
	heaps_free(objects, n);
	assert_int_equal(heaps_stats(c).live, 0);
	heaps_nothing_is_lost(c);
}

static void small_classes_keep_their_reserve_whatever_wide_ones_took(void)
{
	config.small_max = WIDE_MAX;
	heaps_start(64);
	source_refuse();
	for (unsigned c = SMALL_CLASSES + 1; c <= CLASSES; c++) {
		heaps_exhaust(class_size(c), objects);
		assert_null(cache_alloc_reserve(class_size(c)));
	}
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++) {
		assert_int_equal(heaps_stats(c).reserve_current, 64);
		for (int i = 0; i < 64; i++)
			assert_non_null(cache_alloc_reserve(class_size(c)));
	}
}

/* --- double frees that go round --- */

static void look(unsigned c)
{
	lock_take(&central[c].lock);
	central_look(&central[c], &heap_cache.of[c]);
	lock_release(&central[c].lock);
}

static void a_look_at_short_free_sides_changes_nothing(void)
{
	start(0);
	for (unsigned c = SMALL_CLASSES + 1; c <= CLASSES; c++)
		for (unsigned n = 0; n < 3 * class_fill(c); n++) {
			heaps_alloc(class_size(c), n);
			heaps_free(objects, n);
			look(c);
		}
	heap_check();
}

static void a_look_finds_what_was_freed_twice_with_one_between(void)
{
	void *p, *q;

	start(0);
	p = object_alloc(SIZE);
	q = object_alloc(SIZE);
	object_free(p);
	object_free(q);
	object_free(p);
	look(class_of(SIZE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_thread_that_ends_leaves_its_free_sides_behind),
		APART(a_child_gets_what_the_lost_threads_had_freed),
		APART(frees_fill_a_wide_reserve_before_anything_else),
		APART(no_free_side_is_lost_when_the_source_fails),
		APART(a_free_wakes_who_waits_for_a_wide_object),
		APART(small_classes_keep_their_reserve_whatever_wide_ones_took),
		APART(a_look_at_short_free_sides_changes_nothing),
		ABORTS(a_look_finds_what_was_freed_twice_with_one_between,
		       "double free of"),
	};

	return cmocka_run_group_tests_name("cache_wide_threads", tests, NULL,
					   NULL);
}
