/*
 * test_central.c - what the threads share of each class.
 */
#include "unit/apart.h"

#include "base/sys.h"
#include "heap/central.h"
#include "unit/limits.h"
#include "unit/source.h"

enum { C = 4, SIZE = C * CLASS_STEP, MOST = 1 << 16 };

static struct central *const k = &central[C];
static void *objects[MOST];

static void start(size_t min_nr)
{
	assert_true(slab_start());
	central_start();
	assert_true(central_set_reserve(min_nr, false));
	lock_take(&k->lock);
}

static size_t take(size_t count)
{
	size_t got = 0;

	while (got < count && (objects[got] = central_take_one(k)))
		got++;
	return got;
}

/* Takes all there is, with a source that refuses. */
static size_t exhaust(void)
{
	source_refuse();
	return take(MOST);
}

/* A stack of `count` objects in a magazine. */
static void **stack(void **from, size_t count)
{
	struct magazine *m = depot_take_empty(&k->depot);
	void **top = magazine_empty_top(m);

	for (size_t i = 0; i < count; i++)
		*--top = from[i];
	return top;
}

static unsigned resident_pages(void *const *at, size_t count, size_t size)
{
	unsigned pages = 0;

	for (size_t i = 0; i < count; i++) {
		uintptr_t end = (uintptr_t)at[i] + size - 1;
		unsigned char in_memory = 0;

		mincore((void *)(end & ~(sys_page() - 1)), 1, &in_memory);
		pages += in_memory & 1;
	}
	return pages;
}

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
		assert_int_equal(resident_pages(r->elements, 100, class_size(c)),
				 100);
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

static void an_object_in_the_full_reserve_freed_again_is_found(void)
{
	empty_reserve();
	central_give(k, objects, 100);
	central_give(k, objects + 99, 1);
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
		APART(each_class_gets_its_reserve),
		APART(the_reserve_gives_its_lowest_address_first),
		APART(a_reserve_of_none_needs_nothing),
		APART(a_reserve_beyond_all_memory_is_told),
		APART(of_a_reserve_what_could_be_had_is_kept),
		APART(a_reserve_that_cannot_be_pinned_is_told_and_there),
		APART(a_refill_is_a_full_magazine_of_free_objects),
		APART(a_refill_goes_into_the_callers_magazine),
		APART(a_refill_of_less_than_a_magazine_lies_at_its_bottom),
		APART(without_a_magazine_there_is_no_refill_and_no_loss),
		APART(a_failed_refill_leaves_the_callers_magazine_alone),
		APART(the_peak_is_what_was_out_at_once),
		APART(a_failed_source_makes_a_class_with_a_reserve_scarce),
		APART(without_a_reserve_no_class_is_ever_scarce),
		APART(frees_fill_the_reserve_first_and_end_scarcity),
		APART(a_source_that_works_again_fills_the_reserve),
		APART(while_scarce_a_refill_takes_one_object_at_a_time),
		APART(what_is_given_back_comes_out_again),
		APART(a_stack_is_parked_in_the_depot),
		APART(beyond_the_depots_room_stacks_are_drained),
		APART(a_reserve_in_want_comes_before_the_depot),
		APART(a_drain_empties_the_depot_into_the_slabs),
		APART(what_lay_in_the_depot_longest_is_drained_first),
		ABORTS(an_object_freed_twice_into_the_reserve_is_found,
		       "double free"),
		ABORTS(an_object_in_the_full_reserve_freed_again_is_found,
		       "double free"),
		ABORTS(an_address_inside_an_object_is_found_before_the_reserve,
		       "invalid free"),
		ABORTS(an_object_of_another_class_is_found_before_the_reserve,
		       "libmpool: "),
		APART(a_class_whose_lock_was_lost_starts_anew),
		APART(a_class_whose_lock_was_free_loses_nothing),
	};

	return cmocka_run_group_tests_name("central", tests, NULL, NULL);
}
