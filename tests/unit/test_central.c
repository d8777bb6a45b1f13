/* SPDX-License-Identifier: MIT */
/*
 * test_central.c - what the threads share of each class.
 *
 * Its reserve is tested in test_central_reserve.c.
 */
#include "unit/apart.h"

#include "unit/centrals.h"

/* --- out --- */

static void a_refill_is_a_full_magazine_of_free_objects(void)
{
	void **top;

	start(0);
	top = central_refill(k, NULL);
	assert_int_equal(magazine_count(top), MAGAZINE_OBJECTS);
	for (size_t i = 0; i < MAGAZINE_OBJECTS; i++)
		assert_true(slab_object_used(top[i]));
	assert_int_equal(k->refills, 1);
	assert_int_equal(slab_used(&k->slabs), MAGAZINE_OBJECTS);
}

static void a_refill_goes_into_the_callers_magazine(void)
{
	struct magazine *own;

	start(0);
	own = magazine_new();
	assert_ptr_equal(magazine_of(central_refill(k, own)), own);
}

static void a_refill_of_less_than_a_magazine_lies_at_its_bottom(void)
{
	void **top;

	start(0);
	source_refuse_calls(4, LONG_MAX / 2);
	while ((top = central_refill(k, NULL)) &&
	       magazine_count(top) == MAGAZINE_OBJECTS)
		;
	assert_non_null(top);
	for (size_t i = 0; i < magazine_count(top); i++)
		assert_true(slab_object_used(top[i]));
	assert_null(central_refill(k, NULL));
	central_check(k);
}

static void without_a_magazine_there_is_no_refill_and_no_loss(void)
{
	start(0);
	source_refuse();
	while (magazine_new())
		;
	assert_null(central_refill(k, NULL));
	assert_int_equal(slab_used(&k->slabs), 0);
}

static void a_failed_refill_leaves_the_callers_magazine_alone(void)
{
	struct magazine *own;
	unsigned empties;

	start(64);
	own = magazine_new();
	exhaust();
	empties = k->depot.empties;
	assert_null(central_refill(k, own));
	assert_int_equal(k->depot.empties, empties);
}

static void the_peak_is_what_was_out_at_once(void)
{
	start(64);
	assert_int_equal(take(1000), 1000);
	central_give(k, objects, 1000);
	take(10);
	assert_int_equal(k->peak, 1000);
}

/* --- in --- */

static void what_is_given_back_comes_out_again(void)
{
	start(64);
	assert_int_equal(take(5000), 5000);
	central_give(k, objects, 5000);
	central_check(k);
	assert_int_equal(slab_used(&k->slabs), 64);
	assert_int_equal(take(5000), 5000);
}

static void a_stack_is_parked_in_the_depot(void)
{
	start(0);
	take(300);
	central_park(k, stack(objects, 100));
	assert_int_equal(k->depot.fulls, 1);
	assert_int_equal(k->depot.objects, 100);
	assert_int_equal(k->drains, 0);
	central_check(k);
}

static void beyond_the_depots_room_stacks_are_drained(void)
{
	start(0);
	take(2000);
	for (int i = 0; i <= DEPOT_MAGAZINES; i++)
		central_park(k, stack(objects + 100 * i, 100));
	assert_int_equal(k->depot.fulls, DEPOT_MAGAZINES);
	assert_int_equal(k->drains, 1);
	assert_int_equal(k->depot.empties, 1);
	assert_int_equal(slab_used(&k->slabs), 1900);
	central_check(k);
}

static void sides_of_large_objects_share_the_depots_magazines(void)
{
	start(0);
	take(2000);
	for (int i = 0; i < 4 * DEPOT_MAGAZINES; i++)
		central_park(k, stack(objects + 4 * i, 4));
	assert_int_equal(k->depot.fulls, DEPOT_MAGAZINES);
	assert_int_equal(k->depot.objects, 16 * DEPOT_MAGAZINES);
	assert_int_equal(k->drains, 0);
	central_check(k);
}

/* Of each page one object stays. */
static void a_class_that_lies_mostly_idle_leaves_nothing_in_the_depot(void)
{
	size_t kept = 0, a_page = sys_page() / SIZE;

	start(0);
	assert_int_equal(take(MOST), MOST);
	central_park(k, stack(objects + 1, MAGAZINE_OBJECTS));
	assert_int_equal(k->depot.fulls, 1);
	for (size_t i = 1 + 3 * MAGAZINE_OBJECTS; i < MOST; i++) {
		if (i % a_page == 0)
			kept++;
		else
			central_give(k, &objects[i], 1);
	}
	central_park(k, stack(objects + 1 + MAGAZINE_OBJECTS, 100));
	assert_int_equal(k->depot.fulls, 0);
	assert_int_equal(k->depot.objects, 0);
	assert_int_equal(slab_used(&k->slabs),
			 1 + 2 * MAGAZINE_OBJECTS - 100 + kept);
	central_check(k);
}

static void a_reserve_in_want_comes_before_the_depot(void)
{
	start(64);
	take(200);
	for (int i = 0; i < 64; i++)
		reserve_take(&k->reserve);
	central_park(k, stack(objects, 100));
	assert_int_equal(k->depot.fulls, 0);
	assert_int_equal(k->reserve.current, 64);
	central_check(k);
}

static void a_drain_empties_the_depot_into_the_slabs(void)
{
	start(0);
	take(2000);
	for (int i = 0; i < DEPOT_MAGAZINES; i++)
		central_park(k, stack(objects + 127 * i, 127));
	central_give(k, objects + 127 * DEPOT_MAGAZINES,
		     2000 - 127 * DEPOT_MAGAZINES);
	central_drain(k);
	assert_int_equal(k->depot.fulls, 0);
	assert_int_equal(k->depot.objects, 0);
	assert_int_equal(slab_used(&k->slabs), 0);
	central_check(k);
}

static void what_lay_in_the_depot_longest_is_drained_first(void)
{
	start(0);
	take(2000);
	for (int i = 0; i <= DEPOT_MAGAZINES; i++)
		central_park(k, stack(objects + 100 * i, 100));
	for (int i = 0; i < 100; i++)
		assert_false(slab_object_used(objects[i]));
	for (int i = 100; i < 100 * (DEPOT_MAGAZINES + 1); i++)
		assert_true(slab_object_used(objects[i]));
}

/* --- after a fork that nobody announced --- */

static void a_class_whose_lock_was_lost_starts_anew(void)
{
	start(64);
	take(1000);
	central_park(k, stack(objects, 100));
	central_adopt(k);
	assert_int_equal(k->lock.word, 0);
	central_check(k);
	take(1000);
	central_give(k, objects, 1000);
	central_check(k);
}

static void a_class_whose_lock_was_free_loses_nothing(void)
{
	start(64);
	take(1000);
	lock_release(&k->lock);
	central_adopt(k);
	assert_int_equal(slab_used(&k->slabs), 1064);
	assert_int_equal(k->reserve.current, 64);
	central_give(k, objects, 1000);
	central_check(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_refill_is_a_full_magazine_of_free_objects),
		APART(a_refill_goes_into_the_callers_magazine),
		APART(a_refill_of_less_than_a_magazine_lies_at_its_bottom),
		APART(without_a_magazine_there_is_no_refill_and_no_loss),
		APART(a_failed_refill_leaves_the_callers_magazine_alone),
		APART(the_peak_is_what_was_out_at_once),
		APART(what_is_given_back_comes_out_again),
		APART(a_stack_is_parked_in_the_depot),
		APART(beyond_the_depots_room_stacks_are_drained),
		APART(sides_of_large_objects_share_the_depots_magazines),
		APART(a_class_that_lies_mostly_idle_leaves_nothing_in_the_depot),
		APART(a_reserve_in_want_comes_before_the_depot),
		APART(a_drain_empties_the_depot_into_the_slabs),
		APART(what_lay_in_the_depot_longest_is_drained_first),
		APART(a_class_whose_lock_was_lost_starts_anew),
		APART(a_class_whose_lock_was_free_loses_nothing),
	};

	return cmocka_run_group_tests_name("central", tests, NULL, NULL);
}
