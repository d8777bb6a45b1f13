/* SPDX-License-Identifier: MIT */
/*
 * test_part.c - slabs that are committed in part, and become whole.
 */
#include "unit/apart.h"

#include "base/sys.h"
#include "heap/central.h"
#include "heap/check.h"
#include "heap/part.h"
#include "heap/record.h"
#include "unit/slabs.h"
#include "unit/source.h"

enum { BYTES = 16 << 10 };

static void begin(void)
{
	assert_true(slab_start());
	central_start();
	assert_true(central_set_reserve(64, 0, false));
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++)
		slab_check(&central[c].slabs);
}

/* Takes every object that there is without another slab. */
static size_t take_all(struct slabs *slabs)
{
	slabs->low_water = 0;
	source_refuse();
	return slab_take(slabs, objects, SLABS_MOST);
}

static void two_neighbours_are_usable_where_they_meet(void)
{
	long calls;

	assert_true(slab_start());
	calls = source.commits;
	assert_int_equal(space_take_part(BYTES), 0);
	assert_int_equal(space_take_part(BYTES), 1);
	assert_int_equal(source.commits, calls + 1);
	assert_int_equal(part_of(0).from, SLAB_BYTES - BYTES);
	assert_int_equal(part_of(0).to, SLAB_BYTES);
	assert_int_equal(part_of(1).from, 0);
	assert_int_equal(part_of(1).to, BYTES);
	memset((char *)space_address(1) - BYTES, 1, 2 * BYTES);
}

static void a_slab_made_whole_is_usable_to_both_ends(void)
{
	assert_true(slab_start());
	for (size_t d = 0; d < 2; d++) {
		assert_int_equal(space_take_part(BYTES), d);
		assert_int_equal(part_lacks(d), SLAB_BYTES - BYTES);
		assert_true(space_complete(d));
		assert_true(part_is_whole(d));
		memset((char *)space_address(d), 1, SLAB_BYTES);
	}
	space_check();
}

static void who_wants_a_whole_slab_gets_one(void)
{
	assert_true(slab_start());
	assert_int_equal(space_take_part(BYTES), 0);
	assert_int_equal(space_take(), 1);
	assert_int_equal(space_take(), 2);
	memset((char *)space_address(1), 1, 2 * SLAB_BYTES);
	space_check();
}

static void a_part_given_up_before_it_was_used_is_none_later(void)
{
	assert_true(slab_start());
	assert_int_equal(space_take_part(BYTES), 0);
	assert_int_not_equal(space_yield(), 0);
	assert_int_equal(space_take(), 1);
	memset((char *)space_address(1), 1, SLAB_BYTES);
	space_check();
}

static void where_both_are_too_much_one_part_is_had(void)
{
	assert_true(slab_start());
	source_refuse_calls(1, 1);
	assert_int_equal(space_take_part(BYTES), 0);
	assert_int_equal(space_take_part(BYTES), 1);
	memset((char *)space_address(1) - BYTES, 1, 2 * BYTES);
	space_check();
}

static void all_classes_begin_with_less_than_half_of_their_slabs(void)
{
	size_t bytes = 0;

	begin();
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++)
		bytes += slab_committed_bytes(&central[c].slabs);
	assert_in_range(bytes, 1, SMALL_CLASSES * SLAB_BYTES / 2);
}

static void what_is_handed_out_of_a_part_lies_in_it(void)
{
	begin();
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++) {
		size_t got = take_all(&central[c].slabs);

		assert_in_range(got, 2 * 127, SLAB_BYTES / class_size(c) - 1);
		for (size_t i = 0; i < got; i++) {
			assert_true(slab_object_used(objects[i]));
			memset(objects[i], 1, class_size(c));
		}
		slab_check(&central[c].slabs);
	}
}

static void a_class_in_need_has_its_slab_made_whole(void)
{
	begin();
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++) {
		struct slabs *slabs = &central[c].slabs;
		size_t whole = SLAB_BYTES / class_size(c);

		slabs->low_water = 0;
		assert_int_equal(slab_take(slabs, objects, whole - 64),
				 whole - 64);
		for (size_t i = 0; i < whole - 64; i++)
			memset(objects[i], 1, class_size(c));
		assert_int_equal(slabs->count, 1);
		assert_int_equal(slab_committed_bytes(slabs), SLAB_BYTES);
		slab_check(slabs);
		slab_give(slabs, objects, whole - 64);
		slab_check(slabs);
	}
}

static void a_part_that_stays_one_still_serves(void)
{
	struct slabs *slabs;
	size_t got;

	begin();
	slabs = &central[4].slabs;
	got = take_all(slabs);
	slab_give(slabs, objects, got);
	slab_check(slabs);
	assert_int_equal(slab_take(slabs, objects, got), got);
	assert_int_equal(slab_take(slabs, objects + got, 1), 0);
	source_allow();
	assert_int_equal(slab_take(slabs, objects + got, 1), 1);
	slab_check(slabs);
}

static void what_is_not_usable_yet_is_no_used_object(void)
{
	begin();
	for (size_t d = 0; d < PART_SLABS; d++) {
		unsigned c = slab_class_of((void *)space_address(d));
		char *slab = (char *)space_address(d);
		size_t last = SLAB_BYTES / class_size(c) - 1;

		assert_false(slab_object_used(
			d % 2 ? slab + last * class_size(c) : slab));
	}
}

static void an_orphan_counts_what_is_usable(void)
{
	begin();
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++) {
		slab_rebuild(&central[c].slabs);
		slab_check(&central[c].slabs);
	}
}

/* Frees an object of an even, or odd, slab that was never there. */
static void free_lacking(size_t d)
{
	char *slab;
	unsigned c;
	void *p;

	begin();
	c = slab_class_of((void *)space_address(d));
	slab = (char *)space_address(d);
	p = d % 2 ? slab + (SLAB_BYTES / class_size(c) - 1) * class_size(c)
		  : slab;
	slab_give(&central[c].slabs, &p, 1);
}

static void a_free_of_what_an_even_slab_lacks_is_found(void)
{
	free_lacking(6);
}

static void a_free_of_what_an_odd_slab_lacks_is_found(void)
{
	free_lacking(7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(two_neighbours_are_usable_where_they_meet),
		APART(a_slab_made_whole_is_usable_to_both_ends),
		APART(who_wants_a_whole_slab_gets_one),
		APART(a_part_given_up_before_it_was_used_is_none_later),
		APART(where_both_are_too_much_one_part_is_had),
		APART(all_classes_begin_with_less_than_half_of_their_slabs),
		APART(what_is_handed_out_of_a_part_lies_in_it),
		APART(a_class_in_need_has_its_slab_made_whole),
		APART(a_part_that_stays_one_still_serves),
		APART(what_is_not_usable_yet_is_no_used_object),
		APART(an_orphan_counts_what_is_usable),
		ABORTS(a_free_of_what_an_even_slab_lacks_is_found,
		       "the object has never been handed out"),
		ABORTS(a_free_of_what_an_odd_slab_lacks_is_found,
		       "the object has never been handed out"),
	};

	return cmocka_run_group_tests_name("part", tests, NULL, NULL);
}
