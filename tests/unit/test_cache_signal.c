/* SPDX-License-Identifier: MIT */
/*
 * test_cache_signal.c - signal handlers, between any two instructions.
 *
 * malloc is not for signal handlers, but programs call it there.  Promised is
 * that this never hangs; and inside a slow path no object gets two owners.
 */
#include "unit/apart.h"

#include "unit/forks.h"
#include "unit/heaps.h"
#include "unit/source.h"
#include "unit/step.h"

enum { C = 4, SIZE = C * CLASS_STEP, FEW = 300 };

static unsigned held;
static void *from_handler[8], *to_handler;

static void alloc_one(void)
{
	objects[held++] = object_alloc(SIZE);
}

static void free_one(void)
{
	object_free(objects[--held]);
}

static bool inside_a_slow_path(void)
{
	return heap_cache.state & CACHE_BUSY;
}

/* --- what handlers do --- */

static bool allocate_anywhere(void)
{
	for (size_t i = 0; i < COUNT_OF(from_handler); i++)
		from_handler[i] = object_alloc(SIZE);
	return true;
}

static bool allocate_inside(void)
{
	if (!inside_a_slow_path())
		return false;
	from_handler[0] = object_alloc(SIZE);
	return true;
}

static bool free_inside(void)
{
	if (!inside_a_slow_path())
		return false;
	object_free(to_handler);
	to_handler = NULL;
	return true;
}

/* --- what they interrupt --- */

/* Cases in which the next call takes each way through the slow paths. */
static void nothing_cached(void)
{
	heaps_flush();
	lock_take(&central[C].lock);
	central_drain(&central[C]);
	lock_release(&central[C].lock);
	held = 0;
}

static void depot_filled(void)
{
	for (held = 0; held < 300;)
		alloc_one();
	while (held)
		free_one();
	heaps_flush();
}

static void free_side_filled(void)
{
	void *p;

	for (held = 0; held < 100;)
		alloc_one();
	heaps_flush();
	while (held > 2)
		free_one();
	while (cache_pop(SIZE, &p))
		objects[held++] = p;
}

static void free_side_full(void)
{
	nothing_cached();
	while (held < MAGAZINE_OBJECTS + 2)
		alloc_one();
	heaps_flush();
	while (held > 2)
		free_one();
}

static void both_sides_at_the_edge(void)
{
	void *p;

	nothing_cached();
	while (held < 2 * MAGAZINE_OBJECTS + 2)
		alloc_one();
	while (held > MAGAZINE_OBJECTS + 2)
		free_one();
	while (cache_pop(SIZE, &p))
		objects[held++] = p;
}

static const struct {
	void (*prepare)(void);
	void (*body)(void);
} cases[] = {
	{ nothing_cached, alloc_one },	      { depot_filled, alloc_one },
	{ free_side_filled, alloc_one },      { free_side_full, free_one },
	{ both_sides_at_the_edge, free_one }, { nothing_cached, heaps_flush },
	{ free_side_filled, heaps_flush },
};

static void free_all(void)
{
	while (held)
		free_one();
}

/*
 * Interrupts each case after each of its instructions, or some when they are
 * many; `after` sees to the rest.
 */
static void interrupt_all(bool (*act)(void), void (*after)(size_t at))
{
	if (!STEP_WORKS)
		apart_skip("needs the trap flag of x86-64");
	heaps_start(0);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		long stride, all;

		cases[i].prepare();
		all = step_count(cases[i].body);
		stride = all < FEW ? 1 : all / 12;
		free_all();
		for (long n = 0; n < all; n += stride) {
			to_handler = object_alloc(SIZE);
			memset(from_handler, 0, sizeof(from_handler));
			cases[i].prepare();
			step_through(cases[i].body, act, n);
			after(i);
		}
	}
}

/* Twice the same object may be the price; it is never freed here. */
static void leave_it_at_that(size_t at)
{
	(void)at;
	heaps_flush();
}

static void it_is_nobody_elses(size_t at)
{
	for (unsigned i = 0; i < held; i++)
		if (objects[i] == from_handler[0])
			fail_msg("case %zu: two owners", at);
	if (from_handler[0])
		object_free(from_handler[0]);
	object_free(to_handler);
	free_all();
	assert_int_equal(heaps_stats(C).live, 0);
}

/* It may be lost; freed twice, it would end the test. */
static void it_was_freed_at_most_once(size_t at)
{
	static uint64_t lost;

	if (to_handler)
		object_free(to_handler);
	free_all();
	if (heaps_stats(C).live > lost + 1)
		fail_msg("case %zu: more than one object lost", at);
	lost = heaps_stats(C).live;
	nothing_cached();
	heaps_nothing_is_lost(C);
}

static void an_allocation_in_a_handler_never_hangs(void)
{
	interrupt_all(allocate_anywhere, leave_it_at_that);
}

static void what_a_handler_gets_inside_a_slow_path_is_its_own(void)
{
	interrupt_all(allocate_inside, it_is_nobody_elses);
}

static void what_a_handler_frees_inside_a_slow_path_is_freed_once(void)
{
	interrupt_all(free_inside, it_was_freed_at_most_once);
}

/* A handler has freed inside a slow path; at its end comes another one. */
static void leave_with_a_late_object(void)
{
	cache_enter(&heap_cache);
	object_free(to_handler);
	cache_leave(&heap_cache);
}

static bool flush_outside(void)
{
	if (inside_a_slow_path())
		return false;
	heaps_flush();
	return true;
}

static void what_is_left_for_later_is_freed_once(void)
{
	long all;

	if (!STEP_WORKS)
		apart_skip("needs the trap flag of x86-64");
	heaps_start(0);
	to_handler = object_alloc(SIZE);
	all = step_count(leave_with_a_late_object);
	for (long n = 0; n < all; n++) {
		to_handler = object_alloc(SIZE);
		heaps_flush();
		step_through(leave_with_a_late_object, flush_outside, n);
		assert_int_equal(heaps_stats(C).live, 0);
		heaps_nothing_is_lost(C);
	}
}

/* --- outside of calls of malloc and free --- */

/* Each call that holds a lock of the heap, a handler allocating within. */
static void hold_locks_of_fork(void)
{
	fork_prepare();
	from_handler[0] = object_alloc(SIZE);
	fork_parent();
}

static void around_a_fork_a_handler_does_not_hang(void)
{
	forks_know_the_heap();
	heaps_start(64);
	heaps_flush();
	hold_locks_of_fork();
	heap_check();
}

static void trim(void)
{
	heap_trim();
}

static void inside_a_trim_a_handler_does_not_hang(void)
{
	long all;

	if (!STEP_WORKS)
		apart_skip("needs the trap flag of x86-64");
	heaps_start(64);
	all = step_count(trim);
	for (long n = 0; n < all; n += 1 + all / 6)
		step_through(trim, allocate_anywhere, n);
	heap_check();
}

static void ask_for_statistics(void)
{
	struct class_stats s;

	heap_class_stats(C, &s);
}

static void inside_a_question_for_statistics_a_handler_does_not_hang(void)
{
	bool acted = true;

	if (!STEP_WORKS)
		apart_skip("needs the trap flag of x86-64");
	heaps_start(64);
	for (long n = 0; acted; n += 3) {
		heaps_flush();
		acted = step_through(ask_for_statistics, allocate_anywhere, n);
	}
	heap_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(an_allocation_in_a_handler_never_hangs),
		APART(what_a_handler_gets_inside_a_slow_path_is_its_own),
		APART(what_a_handler_frees_inside_a_slow_path_is_freed_once),
		APART(what_is_left_for_later_is_freed_once),
		APART(around_a_fork_a_handler_does_not_hang),
		APART(inside_a_trim_a_handler_does_not_hang),
		APART(inside_a_question_for_statistics_a_handler_does_not_hang),
	};

	return cmocka_run_group_tests_name("cache_signal", tests, NULL, NULL);
}
