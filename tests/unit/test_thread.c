/* SPDX-License-Identifier: MIT */
/*
 * test_thread.c - a thread's cache from its first use to the thread's end.
 */
#include "unit/apart.h"

#include <limits.h>

#include "heap/registry.h"
#include "unit/forks.h"
#include "unit/heaps.h"
#include "unit/step.h"
#include "unit/threads.h"

enum { C = 4, SIZE = C * CLASS_STEP };

static void count(struct cache *cache, void *counted)
{
	(void)cache;
	++*(unsigned *)counted;
}

static unsigned registered(void)
{
	unsigned counted = 0;

	registry_walk(count, &counted);
	return counted;
}

static void *leave_things_behind(void *unused)
{
	void *mine[1000];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(mine); i++)
		mine[i] = object_alloc(SIZE);
	for (size_t i = 0; i < COUNT_OF(mine); i++)
		object_free(mine[i]);
	return NULL;
}

/* Slabs in use that belong to no class. */
static size_t magazine_slabs(void)
{
	struct space_stats stats;

	space_stats(&stats);
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++)
		stats.used_slabs -= central[c].slabs.count;
	return stats.used_slabs;
}

static void a_thread_that_ends_leaves_nothing_behind(void)
{
	size_t slabs = 0;

	for (int i = 0; i < 200; i++) {

		run_thread(leave_things_behind, NULL);
		if (i == 5)
			slabs = central[C].slabs.count;
	}
	assert_int_equal(registered(), 0);
	assert_int_equal(heaps_stats(C).live, 0);
	assert_int_equal(central[C].slabs.count, slabs);
	assert_true(magazine_slabs() <= 1);
	heaps_nothing_is_lost(C);
}

static void *free_them(void *unused)
{
	(void)unused;
	heaps_free(objects, 5000);
	return NULL;
}

static void objects_may_be_freed_by_another_thread(void)
{

	heaps_start(0);
	heaps_alloc(SIZE, 5000);
	run_thread(free_them, NULL);
	assert_int_equal(heaps_stats(C).live, 0);
	heaps_nothing_is_lost(C);
	heaps_alloc(SIZE, 5000);
}

static pthread_key_t late_key;

static void free_late(void *p)
{
	object_free(p);
	for (int i = 0; i < 50; i++)
		object_free(object_alloc(SIZE));
}

static void *free_after_the_cache_has_gone(void *unused)
{
	(void)unused;
	leave_things_behind(NULL);
	pthread_setspecific(late_key, object_alloc(SIZE));
	return NULL;
}

/* Destructors run in the order of the keys; ours came first. */
static void a_destructor_that_runs_later_still_can_free_and_allocate(void)
{

	assert_true(heap_start());
	assert_int_equal(pthread_key_create(&late_key, free_late), 0);
	run_thread(free_after_the_cache_has_gone, NULL);
	assert_int_equal(registered(), 0);
	assert_int_equal(heaps_stats(C).live, 0);
	heaps_nothing_is_lost(C);
}

static void *few_calls(void *unused)
{
	(void)unused;
	for (int i = 0; i < 4; i++)
		object_free(object_alloc(SIZE));
	return NULL;
}

static void a_thread_of_few_calls_needs_no_magazine(void)
{
	size_t slabs;
	pthread_t threads[100];

	heaps_start(0);
	slabs = magazine_slabs();
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		threads[i] = start_thread(few_calls, NULL);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		join_thread(threads[i]);
	assert_int_equal(magazine_slabs(), slabs);
	heaps_nothing_is_lost(C);
}

static void a_flush_leaves_this_thread_with_nothing(void)
{
	heaps_start(0);
	heaps_alloc(SIZE, 300);
	heaps_free(objects, 150);
	heaps_flush();
	assert_null(heap_cache.of[C].alloc);
	assert_null(heap_cache.of[C].free);
	assert_int_equal(heaps_stats(C).live, 150);
	heaps_nothing_is_lost(C);
	heaps_free(objects + 150, 150);
	assert_int_equal(heaps_stats(C).live, 0);
}

static void *settle_and_wait(void *gate)
{
	leave_things_behind(NULL);
	pthread_barrier_wait(gate);
	pthread_barrier_wait(gate);
	return NULL;
}

static void a_thread_is_listed_from_its_first_magazine_to_its_end(void)
{
	pthread_barrier_t gate;
	pthread_t thread;

	pthread_barrier_init(&gate, NULL, 2);
	thread = start_thread(settle_and_wait, &gate);
	pthread_barrier_wait(&gate);
	assert_int_equal(registered(), 1);
	pthread_barrier_wait(&gate);
	join_thread(thread);
	assert_int_equal(registered(), 0);
}

/* Runs anew in each round of destructors, until there is none left. */
static void call_in_the_last_round(void *round)
{
	if ((uintptr_t)round < PTHREAD_DESTRUCTOR_ITERATIONS)
		pthread_setspecific(late_key, (char *)round + 1);
	else
		leave_things_behind(NULL);
}

static void *begin_at_the_end(void *unused)
{
	(void)unused;
	pthread_setspecific(late_key, (void *)1);
	return NULL;
}

static void a_thread_that_begins_in_its_last_round_leaves_nothing_behind(void)
{
#ifdef __SANITIZE_THREAD__
	apart_skip("ThreadSanitizer has left such a thread before");
#endif
	assert_true(heap_start());
	assert_int_equal(pthread_key_create(&late_key, call_in_the_last_round),
			 0);
	for (int i = 0; i < 3; i++) {
		run_thread(begin_at_the_end, NULL);
		assert_int_equal(registered(), 0);
		assert_int_equal(heaps_stats(C).live, 0);
		run_thread(leave_things_behind, NULL);
	}
	heaps_nothing_is_lost(C);
}

/* Enough for a cache of its own. */
static bool allocate_some(void)
{
	for (int i = 0; i < 24; i++)
		object_alloc(SIZE);
	return true;
}

static void two_calls(void)
{
	void *p = object_alloc(SIZE);

	object_free(p);
}

static bool interrupted;

/* A handler comes after the n-th instruction of what makes it ready. */
static void *become_ready(void *n)
{
	for (int i = 0; i < 3; i++)
		two_calls();
	object_alloc(SIZE);
	interrupted = step_through(two_calls, allocate_some, *(long *)n);
	return NULL;
}

/* With a sanitizer each call is many times as many instructions. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { STRIDE = 31 };
#else
enum { STRIDE = 1 };
#endif

static void a_thread_is_listed_once_whatever_its_handlers_do(void)
{
	if (!STEP_WORKS)
		apart_skip("needs the trap flag of x86-64");
	assert_true(heap_start());
	interrupted = true;
	for (long n = 0; interrupted; n += STRIDE) {
		run_thread(become_ready, &n);
		assert_int_equal(registered(), 0);
	}
}

static void *take_one(void *unused)
{
	(void)unused;
	objects[0] = object_alloc(SIZE);
	return NULL;
}

static void *fork_only(void *unused)
{
	(void)unused;
	fork_prepare();
	fork_parent();
	return NULL;
}

/* What is NULL while one thread alone uses the heap, and set after `body`. */
static void mark_comes_with(void *(*body)(void *))
{
	pthread_t thread;

	lock_mark_process();
	if (!lock_process_mark)
		apart_skip("this kernel wipes nothing on fork");
	lock_process_mark = NULL;
	forks_know_the_heap();
	heaps_start(64);
	heaps_alloc(SIZE, 5000);
	fork_prepare();
	fork_parent();
	assert_null(lock_process_mark);
	pthread_create(&thread, NULL, body, NULL);
	pthread_join(thread, NULL);
	assert_non_null(lock_process_mark);
	assert_false(lock_orphaned());
}

static void a_second_thread_that_allocates_marks_the_process(void)
{
	mark_comes_with(take_one);
}

static void a_second_thread_that_forks_marks_the_process(void)
{
	mark_comes_with(fork_only);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_thread_is_listed_from_its_first_magazine_to_its_end),
		APART(a_thread_that_ends_leaves_nothing_behind),
		APART(objects_may_be_freed_by_another_thread),
		APART(a_destructor_that_runs_later_still_can_free_and_allocate),
		APART(a_thread_of_few_calls_needs_no_magazine),
		APART(a_flush_leaves_this_thread_with_nothing),
		APART(a_thread_that_begins_in_its_last_round_leaves_nothing_behind),
		APART(a_thread_is_listed_once_whatever_its_handlers_do),
		APART(a_second_thread_that_allocates_marks_the_process),
		APART(a_second_thread_that_forks_marks_the_process),
	};

	return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
