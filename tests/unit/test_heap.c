/* SPDX-License-Identifier: MIT */
/*
 * test_heap.c - the heap as a whole: start, trim, the end, a source that fails.
 *
 * Fork is tested in test_heap_fork.c, what heap_check() finds in
 * test_heap_check.c.
 */
#include "unit/apart.h"

#include "base/sys.h"
#include "heap/cache_enter.h"
#include "heap/registry.h"
#include "unit/forks.h"
#include "unit/heaps.h"
#include "unit/source.h"
#include "unit/threads.h"

enum { C = 4, SIZE = C * CLASS_STEP };

/* --- start --- */

static bool vetoed;

bool heap_vetoed(void)
{
	return vetoed;
}

static void *start_and_allocate(void *gate)
{
	pthread_barrier_wait(gate);
	assert_non_null(object_alloc(SIZE));
	return NULL;
}

static void many_threads_start_it_once(void)
{
	pthread_t threads[8];
	pthread_barrier_t gate;

	pthread_barrier_init(&gate, NULL, COUNT_OF(threads));
	assert_false(heap_is_on());
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		threads[i] = start_thread(start_and_allocate, &gate);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		join_thread(threads[i]);
	assert_true(heap_is_on());
	assert_int_equal(heaps_stats(C).live, COUNT_OF(threads));
	heap_check();
}

static void a_vetoed_heap_stays_off(void)
{
	vetoed = true;
	assert_false(heap_start());
	assert_null(object_alloc(SIZE));
	vetoed = false;
	assert_null(object_alloc(SIZE));
	assert_false(heap_is_on());
}

static void a_heap_that_is_off_answers_every_question(void)
{
	struct class_stats s;

	vetoed = true;
	assert_false(heap_start());
	heap_configured();
	heap_check();
	heap_finish();
	assert_false(heap_trim());
	assert_false(heap_enter(&heap_cache));
	heap_class_stats(C, &s);
	assert_int_equal(s.size, SIZE);
	assert_int_equal(s.live, 0);
	forks_know_the_heap();
	fork_prepare();
	fork_parent();
	fork_prepare();
	fork_child();
	assert_null(object_alloc(SIZE));
}

static void the_reserve_is_set_at_the_start(void)
{
	config.reserve = 100;
	heap_configured();
	assert_false(heap_is_on());
	object_alloc(SIZE);
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++)
		assert_int_equal(heaps_stats(c).reserve_current, 100);
	heap_check();
}

static void a_heap_in_use_already_gets_its_reserve_later(void)
{
	heaps_alloc(SIZE, 1000);
	assert_int_equal(heaps_stats(C).reserve_current, 0);
	config.reserve = 100;
	heap_configured();
	assert_int_equal(heaps_stats(C).reserve_min, 100);
	assert_int_equal(heaps_stats(C).reserve_current, 100);
	assert_int_equal(heaps_stats(C).live, 1000);
	heaps_free(objects, 1000);
	heaps_nothing_is_lost(C);
}

static void the_reserve_is_set_once(void)
{
	config.reserve = 10;
	heap_configured();
	object_alloc(SIZE);
	config.reserve = 20;
	heap_configured();
	assert_int_equal(heaps_stats(C).reserve_min, 10);
}

/* --- giving back --- */

static void a_trim_returns_what_is_free(void)
{
	heaps_start(64);
	heaps_alloc(SIZE, 50000);
	heaps_free(objects, 50000);
	assert_true(heap_trim());
	assert_int_equal(heaps_stats(C).slabs, 1);
	heaps_nothing_is_lost(C);
	assert_false(heap_trim());
}

static void a_trim_of_a_sparse_heap_returns_pages(void)
{
	uint64_t before;

	if (sys_page() > 4096)
		apart_skip("pages are too big");
	heaps_start(64);
	heaps_alloc(SIZE, 8192);
	for (size_t i = 0; i < 8192; i++)
		if (i % 512)
			object_free(objects[i]);
	before = heaps_stats(C).committed_bytes;
	source.returned_bytes = 0;
	heap_trim();
	assert_true(heaps_stats(C).committed_bytes < before / 2);
	assert_true(source.returned_bytes > 0);
	heaps_nothing_is_lost(C);
}

static void a_trim_that_returned_pages_says_so(void)
{
	if (sys_page() > 4096)
		apart_skip("pages are too big");
	heaps_start(64);
	heap_trim();
	heaps_alloc(SIZE, 800);
	for (size_t i = 0; i < 800; i++)
		memset(objects[i], 1, SIZE);
	heaps_free(objects + 1, 799);
	space_trim();
	source.returned_bytes = 0;
	assert_true(heap_trim());
	assert_true(source.returned_bytes > 0);
}

static void a_trim_leaves_the_reserve_in_memory(void)
{
	heaps_start(64);
	heaps_alloc(SIZE, 5000);
	heaps_free(objects, 5000);
	heap_trim();
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++) {
		const struct reserve *r = &central[c].reserve;

		assert_int_equal(r->current, 64);
		for (size_t i = 0; i < r->current; i++) {
			uintptr_t at = (uintptr_t)r->elements[i];
			unsigned char in_memory = 0;

			at &= ~(uintptr_t)(sys_page() - 1);
			mincore((void *)at, 1, &in_memory);
			assert_int_equal(in_memory & 1, 1);
		}
	}
}

static void live_objects_survive_a_trim(void)
{
	heaps_start(64);
	heaps_alloc(SIZE, 20000);
	for (size_t i = 0; i < 20000; i++)
		*(size_t *)objects[i] = i;
	for (size_t i = 0; i < 20000; i++)
		if (i % 700)
			object_free(objects[i]);
	heap_trim();
	for (size_t i = 0; i < 20000; i += 700)
		assert_int_equal(*(size_t *)objects[i], i);
}

static void after_everything_is_freed_little_stays(void)
{
	heaps_start(64);
	heaps_alloc(SMALL_MAX, HEAPS_MOST);
	heaps_free(objects, HEAPS_MOST);
	assert_true(heaps_stats(SMALL_CLASSES).committed_bytes <=
		    HEAPS_MOST * (size_t)SMALL_MAX / 20);
}

/* --- the end --- */

static void at_the_end_a_double_free_comes_to_light(void)
{
	heaps_start(64);
	heaps_alloc(SIZE, 10);
	object_free(objects[3]);
	object_free(objects[4]);
	object_free(objects[3]);
	heap_finish();
}

static void after_the_end_the_heap_still_works(void)
{
	heaps_start(64);
	heaps_alloc(SIZE, 1000);
	heap_finish();
	heaps_free(objects, 1000);
	heaps_alloc(SIZE, 5000);
	heaps_free(objects, 5000);
	assert_int_equal(source.returns, 0);
	heaps_nothing_is_lost(C);
}

/* exit() from a handler that interrupted a slow path. */
static void an_end_inside_a_slow_path_does_not_hang(void)
{
	heaps_start(64);
	assert_true(cache_enter(&heap_cache));
	lock_take(&central[C].lock);
	heap_finish();
}

/* --- a source that fails --- */

/* A life of mixed sizes that takes and gives memory; what fails is left out. */
static void live_a_life(void)
{
	static size_t count[SMALL_CLASSES + 1];
	size_t n = 0;

	memset(count, 0, sizeof(count));
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 6000; i++) {
			size_t size = i % SMALL_MAX + 1;

			objects[n] = object_alloc_at_last(size);
			if (!objects[n])
				continue;
			memset(objects[n], 1, size);
			count[class_of(size)]++;
			n++;
		}
		while (n > 1000) {
			count[slab_class_of(objects[--n])]--;
			object_free(objects[n]);
		}
		heap_trim();
	}
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++) {
		assert_int_equal(heaps_stats(c).live, count[c]);
		heaps_nothing_is_lost(c);
	}
	heaps_free(objects, n);
}

/* In a child each, for a heap starts once.  `count` calls fail from each n. */
static void refuse_each_call(long count)
{
	pid_t child;
	int status;

	for (long n = 1; n < 60; n++) {
		child = fork();
		if (!child) {
			config.reserve = 64;
			heap_configured();
			source_refuse_calls(n, count);
			live_a_life();
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		if (status)
			fail_msg("call %ld refused: status %#x", n,
				 (unsigned)status);
	}
}

static void any_one_call_may_be_refused_and_nothing_is_lost(void)
{
	refuse_each_call(1);
}

static void any_ten_calls_may_be_refused_and_nothing_is_lost(void)
{
	refuse_each_call(10);
}

static void all_calls_from_any_one_on_may_be_refused(void)
{
	refuse_each_call(LONG_MAX / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(many_threads_start_it_once),
		APART(a_vetoed_heap_stays_off),
		APART(a_heap_that_is_off_answers_every_question),
		APART(the_reserve_is_set_at_the_start),
		APART(a_heap_in_use_already_gets_its_reserve_later),
		APART(the_reserve_is_set_once),
		APART(a_trim_returns_what_is_free),
		APART(a_trim_of_a_sparse_heap_returns_pages),
		APART(a_trim_that_returned_pages_says_so),
		APART(a_trim_leaves_the_reserve_in_memory),
		APART(live_objects_survive_a_trim),
		APART(after_everything_is_freed_little_stays),
		ABORTS(at_the_end_a_double_free_comes_to_light,
		       "double free of"),
		APART(after_the_end_the_heap_still_works),
		APART(an_end_inside_a_slow_path_does_not_hang),
		APART(any_one_call_may_be_refused_and_nothing_is_lost),
		APART(any_ten_calls_may_be_refused_and_nothing_is_lost),
		APART(all_calls_from_any_one_on_may_be_refused),
	};

	return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
