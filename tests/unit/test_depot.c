/* SPDX-License-Identifier: MIT */
/*
 * test_depot.c - full and empty magazines of a class.
 */
#include "unit/apart.h"

#include "heap/depot.h"
#include "heap/slab.h"
#include "unit/source.h"

static struct depot depot;
static char object[MAGAZINE_OBJECTS];

/* A stack of `count` objects. */
static void **stack(size_t count)
{
	struct magazine *m = magazine_new();
	void **top;

	assert_non_null(m);
	top = magazine_empty_top(m);
	for (size_t i = 0; i < count; i++)
		*--top = &object[i];
	return top;
}

static void an_empty_depot_has_nothing(void)
{
	assert_null(depot_take(&depot));
	assert_int_equal(depot.objects, 0);
}

static void the_stack_left_last_is_taken_first(void)
{
	void **a, **b;

	assert_true(slab_start());
	a = stack(5);
	b = stack(127);
	depot_put(&depot, a);
	depot_put(&depot, b);
	assert_ptr_equal(depot_take(&depot), b);
	assert_ptr_equal(depot_take(&depot), a);
	assert_null(depot_take(&depot));
}

static void the_oldest_stack_can_be_asked_for(void)
{
	void **stacks[DEPOT_MAGAZINES];

	assert_true(slab_start());
	for (size_t i = 0; i < COUNT_OF(stacks); i++) {
		stacks[i] = stack(i + 1);
		depot_put(&depot, stacks[i]);
	}
	assert_ptr_equal(depot_take_oldest(&depot), stacks[0]);
	assert_ptr_equal(depot_take_oldest(&depot), stacks[1]);
	assert_ptr_equal(depot_take(&depot), stacks[DEPOT_MAGAZINES - 1]);
	assert_ptr_equal(depot_take_oldest(&depot), stacks[2]);
}

static void a_stack_comes_back_as_it_was(void)
{
	void **top;

	assert_true(slab_start());
	for (size_t count = 1; count <= MAGAZINE_OBJECTS; count++) {
		depot_put(&depot, stack(count));
		top = depot_take(&depot);
		assert_int_equal(magazine_of(top)->count, count);
		assert_int_equal(magazine_count(top), count);
		for (size_t i = 0; i < count; i++)
			assert_ptr_equal(top[i], &object[count - 1 - i]);
		depot_put_empty(&depot, magazine_of(top));
	}
}

static void its_objects_are_counted(void)
{
	assert_true(slab_start());
	depot_put(&depot, stack(5));
	depot_put(&depot, stack(7));
	assert_int_equal(depot.objects, 12);
	depot_take(&depot);
	assert_int_equal(depot.objects, 5);
	depot_take(&depot);
	assert_int_equal(depot.objects, 0);
}

static void few_objects_share_a_magazine(void)
{
	void **a, **b, **both;

	assert_true(slab_start());
	a = stack(5);
	b = stack(6);
	assert_false(depot_join(&depot, a, 5));
	depot_put(&depot, a);
	assert_true(depot_join(&depot, b, 6));
	assert_int_equal(depot.objects, 11);
	assert_false(depot_join(&depot, b, DEPOT_SHARED - 10));
	both = depot_take(&depot);
	assert_ptr_equal(both + 6, a);
	assert_memory_equal(both, b, 6 * sizeof(*b));
	assert_int_equal(magazine_of(both)->count, 11);
	assert_int_equal(depot.objects, 0);
}

static void empty_magazines_are_kept_for_the_next_who_asks(void)
{
	struct magazine *m;

	assert_true(slab_start());
	m = depot_take_empty(&depot);
	assert_non_null(m);
	depot_put_empty(&depot, m);
	source_refuse();
	assert_ptr_equal(depot_take_empty(&depot), m);
}

static void more_empty_ones_than_a_few_go_to_other_classes(void)
{
	struct magazine *extra;

	assert_true(slab_start());
	for (int i = 0; i < DEPOT_EMPTIES; i++)
		depot_put_empty(&depot, magazine_of(stack(0)));
	extra = magazine_new();
	depot_put_empty(&depot, extra);
	assert_int_equal(depot.empties, DEPOT_EMPTIES);
	assert_ptr_equal(magazine_new(), extra);
}

static void without_memory_there_is_no_empty_one(void)
{
	assert_true(slab_start());
	source_refuse();
	while (magazine_new())
		;
	assert_null(depot_take_empty(&depot));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(an_empty_depot_has_nothing),
		APART(the_stack_left_last_is_taken_first),
		APART(the_oldest_stack_can_be_asked_for),
		APART(a_stack_comes_back_as_it_was),
		APART(few_objects_share_a_magazine),
		APART(its_objects_are_counted),
		APART(empty_magazines_are_kept_for_the_next_who_asks),
		APART(more_empty_ones_than_a_few_go_to_other_classes),
		APART(without_memory_there_is_no_empty_one),
	};

	return cmocka_run_group_tests_name("depot", tests, NULL, NULL);
}
