/* SPDX-License-Identifier: MIT */
/*
 * test_class.c - size classes.
 */
#include "unit/apart.h"

#include "heap/class.h"
#include "heap/magazine.h"
#include "heap/record.h"

static void each_size_gets_the_smallest_class_that_holds_it(void **state)
{
	(void)state;
	for (size_t size = 1; size <= WIDE_MAX; size++) {
		unsigned c = class_of(size);

		assert_in_range(c, CLASS_FIRST, CLASSES);
		assert_true(class_size(c) >= size);
		assert_true(c == CLASS_FIRST || class_size(c - 1) < size);
	}
}

static void a_class_is_the_class_of_its_own_size(void **state)
{
	(void)state;
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++)
		assert_int_equal(class_of(class_size(c)), c);
}

static void the_table_finds_small_sizes_too(void **state)
{
	(void)state;
	for (size_t size = 0; size <= SMALL_MAX; size++)
		assert_int_equal(wide_class_of(size), small_class_of(size));
}

static void every_size_keeps_objects_aligned_to_16(void **state)
{
	(void)state;
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++)
		assert_int_equal(class_size(c) % 16, 0);
}

static void size_0_has_the_class_that_is_nobodys(void **state)
{
	(void)state;
	assert_int_equal(class_of(0), 0);
	assert_int_equal(class_size(0), 0);
}

static void the_last_class_ends_where_small_requests_end(void **state)
{
	(void)state;
	assert_int_equal(class_size(SMALL_CLASSES), SMALL_MAX);
	assert_int_equal(class_size(CLASSES), WIDE_MAX);
}

static void no_class_wastes_much_more_than_a_fifth(void **state)
{
	(void)state;
	for (unsigned c = SMALL_CLASSES + 1; c <= CLASSES; c++) {
		size_t least = class_size(c - 1) + 1, size = class_size(c);

		assert_true((size - least) * 100 < size * 21);
	}
}

static void a_slab_is_filled_but_for_two_percent(void **state)
{
	(void)state;
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++)
		assert_true(SLAB_BYTES % class_size(c) * 50 < SLAB_BYTES);
}

/* A request with any alignment finds a class that is aligned so. */
static void every_power_of_two_is_a_class(void **state)
{
	(void)state;
	for (size_t size = 16; size <= WIDE_MAX; size *= 2)
		assert_int_equal(class_size(class_of(size)), size);
}

static void a_page_and_a_header_waste_little(void **state)
{
	(void)state;
	for (size_t size = 512; size <= 4096; size *= 2)
		assert_true(class_size(class_of(size + 8)) <= size + size / 15);
}

static void an_object_is_found_from_every_byte_of_its_slab(void **state)
{
	(void)state;
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++)
		for (unsigned at = 0; at < SLAB_BYTES; at++)
			assert_int_equal(index_of(at, c), at / class_size(c));
}

static void a_slab_has_room_for_all_but_less_than_an_object(void **state)
{
	(void)state;
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++)
		assert_int_equal(capacity_of(c), SLAB_BYTES / class_size(c));
}

static void a_side_is_bounded_by_bytes(void **state)
{
	(void)state;
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		assert_in_range(class_fill(c), 4, MAGAZINE_OBJECTS);
		assert_true(class_fill(c) * class_size(c) <= 32 * KIB);
	}
}

static void the_border_is_rounded_up_to_a_class(void **state)
{
	static const struct {
		size_t bytes, border;
		unsigned served, last;
	} cases[] = {
		{ 16, 16, 1, 8 },	{ 17, 32, 2, 8 },
		{ 128, 128, 8, 8 },	{ 129, 160, 9, 9 },
		{ 1000, 1024, 20, 20 }, { 8192, 8192, 32, 32 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		class_set_border(cases[i].bytes);
		assert_int_equal(class_border, cases[i].border);
		assert_int_equal(class_served, cases[i].served);
		assert_int_equal(class_last, cases[i].last);
	}
}

static void a_wide_object_stays_while_half_of_it_is_used(void **state)
{
	(void)state;
	assert_true(class_keeps(1024, 1024));
	assert_true(class_keeps(1024, 513));
	assert_false(class_keeps(1024, 512));
	assert_false(class_keeps(1024, 1025));
	assert_false(class_keeps(1024, 0));
	assert_true(class_keeps(64, 49));
	assert_false(class_keeps(64, 48));
}

static void rounding_up_reaches_the_next_multiple(void **state)
{
	(void)state;
	assert_int_equal(round_up(0, 16), 0);
	assert_int_equal(round_up(1, 16), 16);
	assert_int_equal(round_up(16, 16), 16);
	assert_int_equal(round_up(17, 16), 32);
	assert_int_equal(round_up(4097, 4096), 8192);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			each_size_gets_the_smallest_class_that_holds_it),
		cmocka_unit_test(a_class_is_the_class_of_its_own_size),
		cmocka_unit_test(the_table_finds_small_sizes_too),
		cmocka_unit_test(every_size_keeps_objects_aligned_to_16),
		cmocka_unit_test(size_0_has_the_class_that_is_nobodys),
		cmocka_unit_test(the_last_class_ends_where_small_requests_end),
		cmocka_unit_test(no_class_wastes_much_more_than_a_fifth),
		cmocka_unit_test(a_slab_is_filled_but_for_two_percent),
		cmocka_unit_test(every_power_of_two_is_a_class),
		cmocka_unit_test(a_page_and_a_header_waste_little),
		cmocka_unit_test(
			an_object_is_found_from_every_byte_of_its_slab),
		cmocka_unit_test(
			a_slab_has_room_for_all_but_less_than_an_object),
		cmocka_unit_test(a_side_is_bounded_by_bytes),
		cmocka_unit_test(the_border_is_rounded_up_to_a_class),
		cmocka_unit_test(a_wide_object_stays_while_half_of_it_is_used),
		cmocka_unit_test(rounding_up_reaches_the_next_multiple),
	};

	return cmocka_run_group_tests_name("class", tests, NULL, NULL);
}
