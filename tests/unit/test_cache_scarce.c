/* SPDX-License-Identifier: MIT */
/*
 * test_cache_scarce.c - thread caches when memory is out.
 */
#include "unit/apart.h"

#include "unit/scarce.h"
#include "unit/step.h"
#include "unit/threads.h"

/* --- the reserve --- */

static void every_class_gives_at_least_its_reserve(void)
{
	heaps_start(RESERVE);
	source_refuse();
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++) {
		size_t size = class_size(c), got = 0;

		heaps_exhaust(size, objects);
		while ((objects[got] = object_alloc_at_last(size)))
			memset(objects[got++], 1, size);
		assert_int_equal(got, RESERVE);
		assert_int_equal(heaps_stats(c).reserve_used, RESERVE);
		assert_int_equal(heaps_stats(c).reserve_current, 0);
		assert_int_equal(heaps_stats(c).failures, 1);
		heaps_nothing_is_lost(c);
	}
}

static void a_request_of_0_has_a_reserve_too(void)
{
	heaps_start(RESERVE);
	source_refuse();
	heaps_exhaust(16, objects);
	assert_int_equal(slab_class_of(object_alloc_at_last(0)), CLASS_FIRST);
}

static void frees_fill_the_reserve_before_anything_else(void)
{
	size_t got;

	heaps_start(RESERVE);
	got = run_dry();
	for (size_t i = 0; i < RESERVE; i++) {
		assert_int_equal(heaps_stats(C).reserve_current, i);
		object_free(objects[--got]);
	}
	assert_int_equal(heaps_stats(C).reserve_current, RESERVE);
	assert_null(object_alloc(SIZE));
	heaps_nothing_is_lost(C);
	object_free(objects[--got]);
	assert_non_null(object_alloc(SIZE));
	assert_int_equal(heaps_stats(C).reserve_current, RESERVE);
	heaps_nothing_is_lost(C);
}

static void *free_ten(void *from)
{
	void **mine = from;

	for (int i = 0; i < 10; i++)
		object_free(mine[i]);
	return NULL;
}

static void frees_of_any_thread_fill_the_reserve(void)
{
	size_t got;

	heaps_start(RESERVE);
	got = run_dry();
	for (int i = 1; i <= 4; i++) {

		run_thread(free_ten, objects + got - 10 * i);
		assert_int_equal(heaps_stats(C).reserve_current, 10 * i);
	}
	heaps_nothing_is_lost(C);
}

static void with_memory_again_the_reserve_is_filled_by_the_next_refill(void)
{
	heaps_start(RESERVE);
	run_dry();
	source_allow();
	assert_non_null(object_alloc(SIZE));
	assert_int_equal(heaps_stats(C).reserve_current, RESERVE);
	heaps_nothing_is_lost(C);
}

/* --- what the thread itself still has --- */

/* For any number of objects on the free side when the source fails. */
static void no_free_side_is_lost_when_the_source_fails(void)
{
	heaps_start(RESERVE);
	for (size_t freed = 0; freed <= 130; freed++) {
		size_t got;

		source_allow();
		heaps_alloc(SIZE, 400);
		heaps_free(objects, 400);
		heap_trim();
		heaps_alloc(SIZE, 200);
		heaps_free(objects, freed);
		memmove(objects, objects + freed,
			(200 - freed) * sizeof(*objects));
		source_refuse();
		got = 200 - freed;
		got += heaps_exhaust(SIZE, objects + got);
		heaps_nothing_is_lost(C);
		if (heaps_stats(C).live != got)
			fail_msg("%zu on the free side: %zu live, not %zu",
				 freed, (size_t)heaps_stats(C).live, got);
		heaps_free(objects, got);
		assert_int_equal(heaps_stats(C).live, 0);
	}
}

/* Somebody has taken the whole reserve, for good. */
static void make_scarce(void)
{
	lock_take(&central[C].lock);
	while (central_take_reserved(&central[C]))
		central[C].allocs++;
	lock_release(&central[C].lock);
}

static void while_scarce_every_free_comes_to_the_reserve(void)
{
	heaps_start(RESERVE);
	heaps_alloc(SIZE, 400);
	heaps_free(objects, 60);
	make_scarce();
	for (size_t i = 1; i <= 3; i++) {
		void *p;

		object_free(objects[399 - i]);
		assert_true(central[C].reserve.current >= i);
		while (cache_pop(SIZE, &p))
			;
	}
	heaps_nothing_is_lost(C);
}

static void while_scarce_other_classes_are_as_ever(void)
{
	uint64_t refills;

	heaps_start(RESERVE);
	heaps_alloc(32, 200);
	heaps_free(objects, 100);
	make_scarce();
	refills = central[2].refills;
	for (int i = 0; i < 10000; i++)
		object_free(object_alloc(32));
	assert_int_equal(central[2].refills, refills);
	assert_int_equal(slab_size_of(objects[150]), 32);
}

static void when_the_reserve_is_full_frees_are_as_ever(void)
{
	heaps_start(RESERVE);
	heaps_alloc(SIZE, 400);
	make_scarce();
	assert_int_equal(slab_size_of(objects[399]), 0);
	assert_int_equal(slab_class_of(objects[399]), C);
	heaps_free(objects, RESERVE);
	assert_false(central[C].scarce);
	assert_int_equal(slab_size_of(objects[399]), SIZE);
	object_free(objects[398]);
	assert_true(cache_push(PLACES * class_of(SIZE), objects[399]));
}

/* --- scarcity that begins between any two instructions --- */

static size_t held;

static void free_one(void)
{
	object_free(objects[--held]);
}

static void alloc_one(void)
{
	objects[held++] = object_alloc(SIZE);
}

static bool become_scarce_here(void)
{
	if (central[C].lock.word)
		return false;
	make_scarce();
	return true;
}

/* With `freed` objects on the free side, `body` runs into scarcity. */
static void become_scarce_at_each_instruction(void (*body)(void), size_t freed)
{
	bool acted = true;

	if (!STEP_WORKS)
		apart_skip("needs the trap flag of x86-64");
	heaps_start(RESERVE);
	for (long n = 0; acted; n++) {
		heaps_flush();
		for (held = 0; held < freed + 2;)
			alloc_one();
		while (held > 2)
			free_one();
		acted = step_through(body, become_scarce_here, n);
		while (held)
			free_one();
		heaps_nothing_is_lost(C);
		heaps_alloc(SIZE, 300);
		heaps_free(objects, 300);
		assert_int_equal(heaps_stats(C).reserve_current, RESERVE);
		heaps_nothing_is_lost(C);
	}
}

static void a_free_survives_the_begin_of_scarcity_at_any_instruction(void)
{
	become_scarce_at_each_instruction(free_one, 10);
}

static void a_free_that_overflows_survives_the_begin_of_scarcity(void)
{
	become_scarce_at_each_instruction(free_one, MAGAZINE_OBJECTS);
}

static void an_allocation_survives_the_begin_of_scarcity(void)
{
	become_scarce_at_each_instruction(alloc_one, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(every_class_gives_at_least_its_reserve),
		APART(a_request_of_0_has_a_reserve_too),
		APART(frees_fill_the_reserve_before_anything_else),
		APART(frees_of_any_thread_fill_the_reserve),
		APART(with_memory_again_the_reserve_is_filled_by_the_next_refill),
		APART(no_free_side_is_lost_when_the_source_fails),
		APART(while_scarce_every_free_comes_to_the_reserve),
		APART(while_scarce_other_classes_are_as_ever),
		APART(when_the_reserve_is_full_frees_are_as_ever),
		APART(a_free_survives_the_begin_of_scarcity_at_any_instruction),
		APART(a_free_that_overflows_survives_the_begin_of_scarcity),
		APART(an_allocation_survives_the_begin_of_scarcity),
	};

	return cmocka_run_group_tests_name("cache_scarce", tests, NULL, NULL);
}
