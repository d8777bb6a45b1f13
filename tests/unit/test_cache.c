/* SPDX-License-Identifier: MIT */
/*
 * test_cache.c - a thread's own magazines.
 *
 * What happens when memory is out is tested in test_cache_scarce.c, what a
 * signal handler may do to a thread in test_cache_signal.c.
 */
#include "unit/apart.h"

#include "unit/forks.h"
#include "unit/heaps.h"
#include "unit/source.h"
#include "unit/threads.h"

enum { C = 4, SIZE = C * CLASS_STEP };

/* --- allocation --- */

static void each_size_gets_an_object_of_its_class(void)
{
	for (int round = 0; round < 3; round++) {
		for (size_t size = 1; size <= SMALL_MAX; size++) {
			void *p = object_alloc(size);

			assert_int_equal(slab_size_of(p),
					 class_size(class_of(size)));
			assert_int_equal((uintptr_t)p % 16, 0);
			memset(p, 1, size);
		}
	}
}

static void a_request_of_0_gets_an_object_of_the_smallest_class(void)
{
	void *p, *q;

	for (int i = 0; i < 300; i++) {
		p = object_alloc(0);
		q = object_alloc(0);
		assert_int_equal(slab_size_of(p), CLASS_STEP);
		assert_int_equal(slab_size_of(q), CLASS_STEP);
		assert_ptr_not_equal(p, q);
	}
}

/* In a small program most classes get no further. */
static void a_class_of_few_calls_needs_no_magazine(void)
{
	const struct side *s = &heap_cache.of[class_of(48)];

	heaps_alloc(16, 50);
	heaps_alloc(48, 10);
	heaps_free(objects, 10);
	assert_null(s->alloc);
	assert_null(s->free);
	heaps_alloc(48, 50);
	heaps_free(objects, 50);
	assert_non_null(s->alloc);
	assert_non_null(s->free);
	assert_int_equal(heaps_stats(class_of(48)).live, 0);
	heap_check();
}

static void live_objects_never_overlap(void)
{
	static unsigned char size_of[5000];

	for (size_t i = 0; i < COUNT_OF(size_of); i++) {
		size_of[i] = (unsigned char)(i * 7 % SMALL_MAX + 1);
		objects[i] = object_alloc(size_of[i]);
		memset(objects[i], (int)(i % 251), size_of[i]);
	}
	for (size_t i = 0; i < COUNT_OF(size_of); i++)
		for (size_t at = 0; at < size_of[i]; at++)
			assert_int_equal(((uint8_t *)objects[i])[at], i % 251);
	heap_check();
}

static void pairs_of_calls_stay_within_the_thread(void)
{
	uint64_t refills, hits;

	heaps_start(0);
	heaps_alloc(SIZE, 1000);
	heaps_free(objects, 1000);
	refills = central[C].refills;
	hits = central[C].depot_hits;
	for (int i = 0; i < 100000; i++)
		object_free(object_alloc(SIZE));
	assert_true(central[C].refills <= refills + 1);
	assert_true(central[C].depot_hits <= hits + 1);
}

static void what_was_freed_is_used_again_before_new_memory(void)
{
	size_t slabs;

	heaps_start(0);
	heaps_alloc(SIZE, 10000);
	slabs = central[C].slabs.count;
	for (int round = 0; round < 10; round++) {
		heaps_free(objects, 10000);
		heaps_alloc(SIZE, 10000);
	}
	assert_true(central[C].slabs.count <= slabs + 1);
}

/* Against a model, as random as can be. */
static void any_mixture_of_calls_keeps_the_books(void)
{
	static struct {
		unsigned char *p;
		size_t size;
	} slot[3000];
	size_t live[SMALL_CLASSES + 1] = { 0 };
	uint64_t random = 1;

	heaps_start(64);
	for (int step = 0; step < 300000; step++) {
		size_t i;

		random = random * 6364136223846793005u + 1442695040888963407u;
		i = (random >> 33) % COUNT_OF(slot);
		if (slot[i].p) {
			assert_int_equal(slot[i].p[0], (uint8_t)i);
			assert_int_equal(slot[i].p[slot[i].size - 1],
					 (uint8_t)i);
			live[class_of(slot[i].size)]--;
			object_free(slot[i].p);
			slot[i].p = NULL;
		} else {
			slot[i].size = (random >> 20) % SMALL_MAX + 1;
			slot[i].p = object_alloc(slot[i].size);
			memset(slot[i].p, (uint8_t)i, slot[i].size);
			live[class_of(slot[i].size)]++;
		}
	}
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++) {
		assert_int_equal(heaps_stats(c).live, live[c]);
		heaps_nothing_is_lost(c);
	}
}

static void errno_is_left_alone(void)
{
	errno = 4711;
	heaps_alloc(SIZE, 1000);
	heaps_free(objects, 1000);
	source_refuse();
	heaps_exhaust(SIZE, objects);
	assert_null(object_alloc_at_last(SIZE));
	heap_trim();
	assert_int_equal(errno, 4711);
}

static void without_a_heap_there_is_nothing(void)
{
	source_refuse();
	for (int i = 0; i < 20; i++) {
		assert_null(object_alloc(SIZE));
		assert_null(cache_alloc_reserve(SIZE));
	}
	source_allow();
	assert_null(object_alloc(SIZE));
	assert_false(heap_is_on());
}

/* --- crimes --- */

static void a_double_free_is_found_at_the_call(void)
{
	heaps_start(0);
	heaps_alloc(SIZE, 5);
	object_free(objects[2]);
	object_free(objects[2]);
}

static void a_double_free_by_a_new_thread_is_found_at_the_call(void)
{
	void *p = object_alloc(SIZE);

	object_free(p);
	object_free(p);
}

/* Whatever number of objects is on the free side already. */
static void a_double_free_is_found_at_the_call_after_any_frees(void)
{
	int status = 0;

	heaps_start(0);
	forks_know_the_heap();
	pthread_atfork(fork_prepare, fork_parent, fork_child);
	heaps_alloc(SIZE, 400);
	for (size_t n = 1; n < 300; n++) {
		pid_t child;

		object_free(objects[n]);
		child = fork();
		if (!child) {
			close(STDERR_FILENO);
			alarm(APART_SECONDS);
			object_free(objects[n]);
			_exit(0);
		}
		waitpid(child, &status, 0);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
			fail_msg("not found after %zu frees", n);
	}
}

static void a_double_free_is_found_when_the_magazine_is_drained(void)
{
	heaps_start(0);
	heaps_alloc(SIZE, 5);
	object_free(objects[2]);
	object_free(objects[3]);
	object_free(objects[2]);
	heap_trim();
}

static void a_free_inside_an_object_is_found_when_drained(void)
{
	heaps_start(0);
	heaps_alloc(SIZE, 5);
	object_free((char *)objects[2] + 16);
	heap_trim();
}

static void *free_third(void *unused)
{
	(void)unused;
	for (int i = 0; i < 20; i++)
		object_free(object_alloc(SIZE));
	object_free(objects[2]);
	object_free(objects[3]);
	return NULL;
}

static void a_double_free_by_two_threads_is_found_when_drained(void)
{

	heaps_start(0);
	heaps_alloc(SIZE, 5);
	object_free(objects[2]);
	run_thread(free_third, NULL);
	heap_trim();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(each_size_gets_an_object_of_its_class),
		APART(a_request_of_0_gets_an_object_of_the_smallest_class),
		APART(a_class_of_few_calls_needs_no_magazine),
		APART(live_objects_never_overlap),
		APART(pairs_of_calls_stay_within_the_thread),
		APART(what_was_freed_is_used_again_before_new_memory),
		APART(any_mixture_of_calls_keeps_the_books),
		APART(errno_is_left_alone),
		APART(without_a_heap_there_is_nothing),
		ABORTS(a_double_free_is_found_at_the_call, "double free of"),
		ABORTS(a_double_free_by_a_new_thread_is_found_at_the_call,
		       "double free of"),
		APART(a_double_free_is_found_at_the_call_after_any_frees),
		ABORTS(a_double_free_is_found_when_the_magazine_is_drained,
		       "double free of"),
		ABORTS(a_free_inside_an_object_is_found_when_drained,
		       "invalid free of"),
		ABORTS(a_double_free_by_two_threads_is_found_when_drained,
		       "double free of"),
	};

	return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
