/* SPDX-License-Identifier: MIT */
/*
 * test_space_yield.c - the address range of the pools: what is given up for
 * others, and mapped again.
 */
#include "unit/apart.h"

#include "heap/slab.h"
#include "unit/spaces.h"

static int notes;

void space_notable(void)
{
	notes++;
}

/* Slabs 0..99 were taken and written to, and all odd ones are given up. */
static void give_way(void)
{
	start();
	take(100);
	for (size_t i = 0; i < 100; i++)
		memset(memory_of(i), 1, 64);
	for (size_t i = 1; i < 100; i += 2)
		space_give(i);
	assert_true(space_yield() >= 50 * SLAB_BYTES);
	space_check();
}

/* True when nobody has mapped anything there; then somebody has. */
static bool map_theirs(void *at)
{
	bool taken;

	return sys_map_at(at, SLAB_BYTES, &taken);
}

static void what_is_free_is_there_for_others_afterwards(void)
{
	give_way();
	for (size_t i = 0; i < 100; i++) {
		assert_int_equal(space_owns(memory_of(i)), i % 2 == 0);
		if (i % 2)
			assert_true(map_theirs(memory_of(i)));
		else
			assert_int_equal(memory_of(i)[63], 1);
	}
}

static void what_was_never_used_goes_too(void)
{
	give_way();
	assert_int_equal(stats().reserved_slabs, 50);
	assert_int_equal(space.reserved, 100);
	assert_true(map_theirs(memory_of(100)));
}

static void what_was_given_up_is_mapped_again_when_it_is_needed(void)
{
	give_way();
	take(50);
	for (size_t i = 0; i < 50; i++) {
		assert_int_equal(slabs[i], 2 * i + 1);
		assert_true(space_owns(memory_of(slabs[i])));
		assert_int_equal(memory_of(slabs[i])[63], 0);
		memory_of(slabs[i])[63] = 1;
	}
	assert_int_equal(stats().reserved_slabs, 100);
	take(1000);
	assert_int_equal(slabs[0], 100);
	give(1000);
}

static void what_others_have_by_then_stays_theirs(void)
{
	give_way();
	assert_true(map_theirs(memory_of(1)));
	assert_true(map_theirs(memory_of(7)));
	memory_of(1)[0] = memory_of(7)[0] = 42;
	take(50);
	for (size_t i = 0; i < 50; i++) {
		assert_int_not_equal(slabs[i], 1);
		assert_int_not_equal(slabs[i], 7);
		memset(memory_of(slabs[i]), 1, 64);
	}
	assert_false(space_owns(memory_of(7)));
	assert_int_equal(memory_of(1)[0], 42);
	assert_int_equal(memory_of(7)[0], 42);
	give(50);
	assert_int_equal(memory_of(7)[0], 42);
}

static void what_cannot_be_had_again_now_can_be_had_later(void)
{
	give_way();
	source_refuse();
	for (int i = 0; i < 10; i++)
		assert_int_equal(space_take(), SPACE_NONE);
	space_check();
	source_allow();
	take(50);
	assert_int_equal(slabs[49], 99);
}

static void it_can_be_given_up_and_mapped_again_at_will(void)
{
	start();
	for (int round = 0; round < 5; round++) {
		take(500);
		for (size_t i = 0; i < 500; i++)
			memory_of(slabs[i])[0] = 1;
		give(500);
		space_yield();
		space_check();
		assert_int_equal(stats().reserved_slabs, 0);
		assert_int_equal(space_yield(), 0);
	}
}

static void one_call_unmaps_neighbours(void)
{
	long before;

	start();
	take(1000);
	give(1000);
	before = source.unmaps;
	space_yield();
	assert_in_range(source.unmaps - before, 1, 2);
}

static void what_the_kernel_does_not_unmap_stays_ours(void)
{
	start();
	take(100);
	give(100);
	source.refuse_unmap = true;
	assert_int_equal(space_yield(), 0);
	space_check();
	assert_true(space_owns(memory_of(50)));
	take(200);
	space_check();
}

static void a_large_space_is_worth_asking(void)
{
	start();
	take(NOTABLE / 2);
	assert_int_equal(notes, 0);
	take(NOTABLE);
	assert_true(notes > 0);
}

static void so_is_a_small_one_that_was_refused_memory(void)
{
	start();
	take(COMMIT_LEAST);
	source_refuse();
	assert_int_equal(space_take(), SPACE_NONE);
	assert_true(notes > 0);
}

static void a_slab_both_kept_and_given_up_is_found(void)
{
	give_way();
	space_give(2);
	space_check();
	set_add(&vacant.yielded, 2);
	space_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(what_is_free_is_there_for_others_afterwards),
		APART(what_was_never_used_goes_too),
		APART(what_was_given_up_is_mapped_again_when_it_is_needed),
		APART(what_others_have_by_then_stays_theirs),
		APART(what_cannot_be_had_again_now_can_be_had_later),
		APART(it_can_be_given_up_and_mapped_again_at_will),
		APART(one_call_unmaps_neighbours),
		APART(what_the_kernel_does_not_unmap_stays_ours),
		APART(a_large_space_is_worth_asking),
		APART(so_is_a_small_one_that_was_refused_memory),
		ABORTS(a_slab_both_kept_and_given_up_is_found,
		       "a free slab has two states or a class"),
	};

	return cmocka_run_group_tests_name("space_yield", tests, NULL, NULL);
}
