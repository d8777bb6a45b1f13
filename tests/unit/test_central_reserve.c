/*
 * test_central_reserve.c - a class's reserve: set, used, filled again.
 */
#include "unit/apart.h"

#include "unit/centrals.h"

/* --- setting the reserve --- */

static void each_class_gets_its_reserve(void)
{
	start(100);
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		const struct reserve *r = &central[c].reserve;

		assert_int_equal(r->min, 100);
		assert_int_equal(r->current, 100);
		for (size_t i = 0; i < 100; i++) {
			assert_int_equal(space_size_of(r->elements[i]),
					 class_size(c));
			assert_true(slab_object_used(r->elements[i]));
		}
		assert_int_equal(
			resident_pages(r->elements, 100, class_size(c)), 100);
	}
}

static void the_reserve_gives_its_lowest_address_first(void)
{
	void *last = NULL;

	start(100);
	for (int i = 0; i < 100; i++) {
		void *p = reserve_take(&k->reserve);

		assert_true(p > last);
		last = p;
	}
}

static void a_reserve_of_none_needs_nothing(void)
{
	assert_true(slab_start());
	central_start();
	source_refuse();
	assert_true(central_set_reserve(0, false));
	assert_false(reserve_wants(&k->reserve));
}

static void a_reserve_beyond_all_memory_is_told(void)
{
	assert_true(slab_start());
	central_start();
	assert_false(central_set_reserve(SIZE_MAX / 2, false));
	assert_false(central_set_reserve(SIZE_MAX / 64, false));
	source_refuse();
	assert_false(central_set_reserve(64, false));
}

static void of_a_reserve_what_could_be_had_is_kept(void)
{
	assert_true(slab_start());
	central_start();
	source_refuse_calls(4, LONG_MAX / 2);
	assert_false(central_set_reserve(20000, false));
	assert_true(central[1].reserve.current > 0);
	assert_true(central[CLASSES].reserve.current < 20000);
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++)
		central_check(&central[c]);
}

static void a_reserve_that_cannot_be_pinned_is_told_and_there(void)
{
	assert_true(slab_start());
	central_start();
	source.refuse_pin = true;
	assert_false(central_set_reserve(64, true));
	assert_int_equal(k->reserve.current, 64);
}

/* --- scarcity --- */

static void a_failed_source_makes_a_class_with_a_reserve_scarce(void)
{
	start(64);
	exhaust();
	assert_true(k->scarce);
	assert_int_equal(k->reserve.current, 64);
	assert_false(central[C + 1].scarce);
}

static void without_a_reserve_no_class_is_ever_scarce(void)
{
	start(0);
	exhaust();
	assert_false(k->scarce);
}

static void frees_fill_the_reserve_first_and_end_scarcity(void)
{
	size_t free_before;

	start(64);
	exhaust();
	for (int i = 0; i < 64; i++)
		reserve_take(&k->reserve);
	free_before = k->slabs.free_objects;
	central_give(k, objects, 63);
	assert_int_equal(k->reserve.current, 63);
	assert_int_equal(k->slabs.free_objects, free_before);
	assert_true(k->scarce);
	central_give(k, objects + 63, 10);
	assert_int_equal(k->reserve.current, 64);
	assert_int_equal(k->slabs.free_objects, free_before + 9);
	assert_false(k->scarce);
	central_check(k);
}

static void a_source_that_works_again_fills_the_reserve(void)
{
	start(64);
	exhaust();
	for (int i = 0; i < 64; i++)
		reserve_take(&k->reserve);
	source_allow();
	assert_non_null(central_take_one(k));
	assert_int_equal(k->reserve.current, 64);
	assert_false(k->scarce);
	assert_int_equal(resident_pages(k->reserve.elements, 64, SIZE), 64);
}

static void while_scarce_a_refill_takes_one_object_at_a_time(void)
{
	start(64);
	exhaust();
	source_allow();
	k->scarce = true;
	assert_int_equal(magazine_count(central_refill(k, NULL)), 1);
	assert_false(k->scarce);
	assert_int_equal(magazine_count(central_refill(k, NULL)),
			 MAGAZINE_OBJECTS);
}

/* --- crimes on the way into the reserve --- */

static void empty_reserve(void)
{
	start(64);
	take(200);
	while (reserve_take(&k->reserve))
		;
}

static void an_object_freed_twice_into_the_reserve_is_found(void)
{
	empty_reserve();
	central_give(k, objects, 10);
	central_give(k, objects + 3, 1);
}

static void an_address_inside_an_object_is_found_before_the_reserve(void)
{
	void *inside;

	empty_reserve();
	inside = (char *)objects[0] + 16;
	central_give(k, &inside, 1);
}

static void an_object_of_another_class_is_found_before_the_reserve(void)
{
	void *other;

	empty_reserve();
	other = central_take_one(&central[C + 1]);
	central_give(k, &other, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(each_class_gets_its_reserve),
		APART(the_reserve_gives_its_lowest_address_first),
		APART(a_reserve_of_none_needs_nothing),
		APART(a_reserve_beyond_all_memory_is_told),
		APART(of_a_reserve_what_could_be_had_is_kept),
		APART(a_reserve_that_cannot_be_pinned_is_told_and_there),
		APART(a_failed_source_makes_a_class_with_a_reserve_scarce),
		APART(without_a_reserve_no_class_is_ever_scarce),
		APART(frees_fill_the_reserve_first_and_end_scarcity),
		APART(a_source_that_works_again_fills_the_reserve),
		APART(while_scarce_a_refill_takes_one_object_at_a_time),
		ABORTS(an_object_freed_twice_into_the_reserve_is_found,
		       "double free"),
		ABORTS(an_address_inside_an_object_is_found_before_the_reserve,
		       "invalid free"),
		ABORTS(an_object_of_another_class_is_found_before_the_reserve,
		       "libmpool: "),
	};

	return cmocka_run_group_tests_name("central_reserve", tests, NULL,
					   NULL);
}
