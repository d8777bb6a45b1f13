/*
 * test_class.c - size classes.
 */
#include "unit/apart.h"

#include "heap/class.h"

static void each_size_gets_the_smallest_class_that_holds_it(void **state)
{
	(void)state;
	for (size_t size = 1; size <= SMALL_MAX; size++) {
		unsigned c = class_of(size);

		assert_in_range(c, CLASS_FIRST, SMALL_CLASSES);
		assert_true(class_size(c) >= size);
		assert_true(c == CLASS_FIRST || class_size(c - 1) < size);
	}
}

static void a_class_is_the_class_of_its_own_size(void **state)
{
	(void)state;
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++)
		assert_int_equal(class_of(class_size(c)), c);
}

static void every_size_keeps_objects_aligned_to_16(void **state)
{
	(void)state;
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++)
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
		cmocka_unit_test(every_size_keeps_objects_aligned_to_16),
		cmocka_unit_test(size_0_has_the_class_that_is_nobodys),
		cmocka_unit_test(the_last_class_ends_where_small_requests_end),
		cmocka_unit_test(rounding_up_reaches_the_next_multiple),
	};

	return cmocka_run_group_tests_name("class", tests, NULL, NULL);
}
