/* SPDX-License-Identifier: MIT */
/*
 * test_space_limits.c - the address range of the pools: other people's mappings
 * in its way, and limits of what a process may map.
 */
#include "unit/apart.h"

#include "heap/slab.h"
#include "unit/spaces.h"

/* --- other people's mappings --- */

/* Where the window of a process like this one lies. */
static uintptr_t likely_base(void)
{
	int pipe_ends[2];
	uintptr_t base;

	assert_int_equal(pipe(pipe_ends), 0);
	if (!fork()) {
		start();
		base = space_base;
		_exit(write(pipe_ends[1], &base, sizeof(base)) < 0);
	}
	assert_int_equal(read(pipe_ends[0], &base, sizeof(base)), sizeof(base));
	wait(NULL);
	return base;
}

static void a_taken_window_is_left_for_another(void)
{
	char *theirs = (char *)likely_base() + MIB / 2;

	assert_ptr_equal(sys_map(theirs, sys_page()), theirs);
	theirs[0] = 42;
	start();
	take(2000);
	for (size_t i = 0; i < 2000; i++)
		memory_of(slabs[i])[0] = 1;
	assert_int_equal(theirs[0], 42);
}

/* Somebody has a page so many bytes below where the window would be. */
static void with_a_page_taken(size_t distance)
{
	uintptr_t base = likely_base();
	char *theirs = (char *)base - distance;

	assert_ptr_equal(sys_map(theirs, sys_page()), theirs);
	theirs[0] = 42;
	start();
	assert_int_not_equal(space_base, base);
	take(100);
	assert_int_equal(theirs[0], 42);
}

/* Where array 0 begins, behind the map and the sets. */
static size_t records_distance(void)
{
	return 4 * MIB +
	       round_up(WINDOW_SLABS * record_bytes[0] + ARRAY_OFFSET, 2 * MIB);
}

static void a_taken_map_leaves_the_window_for_another(void)
{
	with_a_page_taken(2 * MIB);
}

static void so_does_the_end_of_the_map(void)
{
	with_a_page_taken(2 * MIB - WINDOW_SLABS);
}

static void so_do_taken_records(void)
{
	with_a_page_taken(records_distance());
}

static void so_do_taken_records_of_the_array_that_grows_down(void)
{
	with_a_page_taken(records_distance() + sys_page());
}

static void a_hole_in_the_window_is_stepped_over(void)
{
	char *theirs;

	start();
	theirs = memory_of(STRETCH_LEAST + 5);
	assert_ptr_equal(sys_map(theirs, sys_page()), theirs);
	memset(theirs, 42, sys_page());
	take(3000);
	for (size_t i = 0; i < 3000; i++) {
		assert_int_not_equal(slabs[i], STRETCH_LEAST + 5);
		memset(memory_of(slabs[i]), 1, 64);
	}
	assert_int_equal(slabs[STRETCH_LEAST - 1], STRETCH_LEAST - 1);
	assert_int_equal(theirs[0], 42);
	assert_int_equal(slab_size_of(theirs), 0);
	assert_false(space_owns(theirs));
	give(3000);
	assert_int_equal(theirs[0], 42);
	space_trim();
	assert_int_equal(theirs[0], 42);
	take(3000);
}

static void holes_of_every_kind_are_stepped_over(void)
{
	static const struct {
		size_t slab, slabs;
	} holes[] = { { 1024, 1 }, { 1100, 40 }, { 1200, 500 }, { 2047, 2 } };
	size_t n = 0;

	start();
	for (size_t i = 0; i < COUNT_OF(holes); i++)
		assert_non_null(sys_map(memory_of(holes[i].slab),
					holes[i].slabs * SLAB_BYTES));
	take(3000);
	for (size_t i = 0; i < 3000; i++) {
		while (n < COUNT_OF(holes) && slabs[i] > holes[n].slab)
			n++;
		if (n < COUNT_OF(holes))
			assert_true(slabs[i] < holes[n].slab);
		if (n)
			assert_true(slabs[i] >=
				    holes[n - 1].slab + holes[n - 1].slabs);
		memory_of(slabs[i])[0] = 1;
	}
	give(3000);
}

/* --- limits --- */

static void under_a_limit_most_of_it_can_be_had(void)
{
	size_t limit = 256 * MIB, got = 0;
	size_t room = limit - limits_occupied();

	if (!limits_set_space(limit))
		apart_skip("cannot limit the address space");
	start();
	assert_true(stats().reserved_slabs * SLAB_BYTES <= limit / 16);
	while (space_take() != SPACE_NONE)
		got++;
	assert_true(got * SLAB_BYTES > room / 10 * 9);
	limits_set_space(RLIM_INFINITY);
	space_check();
}

/* As much again is refused; half of it is not. */
static void what_is_refused_is_asked_for_at_half_the_size(void)
{
	size_t had, room;

	start();
	while (stats().reserved_slabs < 8 * STRETCH_LEAST)
		take(1);
	while (space.next < space.reserved)
		take(1);
	had = stats().reserved_slabs;
	room = had / 4 * 3 * SLAB_BYTES;
	if (!limits_set_space(limits_occupied() + room))
		apart_skip("cannot limit the address space");
	take(1);
	assert_int_equal(stats().reserved_slabs, had + had / 2);
	limits_set_space(RLIM_INFINITY);
	space_check();
}

static void a_limit_that_is_raised_lets_the_heap_grow_again(void)
{
	struct rlimit limit;

	start();
	take(STRETCH_LEAST);
	if (!limits_set_space(limits_occupied()))
		apart_skip("cannot limit the address space");
	assert_int_equal(space_take(), SPACE_NONE);
	getrlimit(RLIMIT_AS, &limit);
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_AS, &limit);
	take(100);
	space_check();
}

static void when_the_window_is_full_there_is_nothing_more(void)
{
	size_t got = 0;

	start();
	while (space_take() != SPACE_NONE)
		got++;
	if (got < WINDOW_SLABS / 2)
		apart_skip("this machine promises no 64 GiB");
	assert_int_equal(got, WINDOW_SLABS);
	space_give(WINDOW_SLABS - 1);
	assert_int_equal(space_take(), WINDOW_SLABS - 1);
	assert_int_equal(space_take(), SPACE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_taken_window_is_left_for_another),
		APART(a_taken_map_leaves_the_window_for_another),
		APART(so_does_the_end_of_the_map),
		APART(so_do_taken_records),
		APART(so_do_taken_records_of_the_array_that_grows_down),
		APART(a_hole_in_the_window_is_stepped_over),
		APART(holes_of_every_kind_are_stepped_over),
		APART(under_a_limit_most_of_it_can_be_had),
		APART(what_is_refused_is_asked_for_at_half_the_size),
		APART(a_limit_that_is_raised_lets_the_heap_grow_again),
		APART(when_the_window_is_full_there_is_nothing_more),
	};

	return cmocka_run_group_tests_name("space_limits", tests, NULL, NULL);
}
