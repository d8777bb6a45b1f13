/* SPDX-License-Identifier: MIT */
/*
 * test_central_reserve.c - a class's reserve: set, used, filled again.
 */
#include "unit/apart.h"

#include "base/sys.h"
#include "unit/centrals.h"
#include "unit/limits.h"

/* --- setting the reserve --- */

static void each_class_gets_its_reserve(void)
{
	start(100);
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++) {
		const struct reserve *r = &central[c].reserve;

		assert_int_equal(r->min, 100);
		assert_int_equal(r->current, 100);
		for (size_t i = 0; i < 100; i++) {
			assert_int_equal(slab_size_of(r->elements[i]),
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
	assert_true(central_set_reserve(0, 0, false));
	assert_false(reserve_wants(&k->reserve));
}

static void a_reserve_beyond_all_memory_is_told(void)
{
	assert_true(slab_start());
	central_start();
	assert_false(central_set_reserve(SIZE_MAX / 2, 0, false));
	assert_false(central_set_reserve(SIZE_MAX / 64, 0, false));
	source_refuse();
	assert_false(central_set_reserve(64, 0, false));
}

static void of_a_reserve_what_could_be_had_is_kept(void)
{
	assert_true(slab_start());
	central_start();
	source_refuse_calls(4, LONG_MAX / 2);
	assert_false(central_set_reserve(20000, 0, false));
	assert_true(central[1].reserve.current > 0);
	assert_true(central[SMALL_CLASSES].reserve.current < 20000);
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++)
		central_check(&central[c]);
}

static void a_reserve_that_cannot_be_pinned_is_told_and_there(void)
{
	assert_true(slab_start());
	central_start();
	source.refuse_pin = true;
	assert_false(central_set_reserve(64, 0, true));
	assert_int_equal(k->reserve.current, 64);
}

/* --- what is pinned --- */

static long pinned_kib(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[128];
	long kib = -1;

	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "VmLck: %ld kB", &kib) == 1)
			break;
	if (status)
		fclose(status);
	if (kib < 0 || LIMITS_SANITIZED)
		apart_skip("needs /proc, and no sanitizer, which pins nothing");
	return kib;
}

static void start_pinned(void)
{
	assert_true(slab_start());
	central_start();
	if (!central_set_reserve(64, 0, true))
		apart_skip("nothing may be pinned here: ulimit -l");
	lock_take(&k->lock);
}

static void what_has_left_a_pinned_reserve_is_not_pinned(void)
{
	long page = (long)(sys_page() / KIB), pinned;

	start_pinned();
	pinned = pinned_kib();
	exhaust();
	assert_non_null(central_take_reserved(k));
	if (SIZE * 64 <= sys_page())
		assert_int_equal(pinned_kib(), pinned);
	while (central_take_reserved(k))
		;
	assert_true(pinned_kib() <= pinned - page);
}

static void what_comes_into_a_pinned_reserve_is_pinned_while_it_is_there(void)
{
	long page = (long)(sys_page() / KIB), drained;
	size_t apart = sys_page() / SIZE;

	start_pinned();
	if (exhaust() < 64 * apart)
		apart_skip("needs small pages");
	while (central_take_reserved(k))
		;
	drained = pinned_kib();
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 64; i++)
			central_give(k, &objects[i * apart], 1);
		assert_int_equal(pinned_kib(), drained + 64 * page);
		for (size_t i = 0; i < 64; i++)
			objects[i * apart] = central_take_reserved(k);
		assert_int_equal(pinned_kib(), drained);
	}
}

/* --- scarcity --- */

/* Another allocator may serve: what is not touched need not be filled. */
static void a_failed_source_alone_makes_no_class_scarce(void)
{
	start(64);
	exhaust();
	assert_null(central_refill(k, NULL));
	assert_false(k->scarce);
	assert_int_equal(k->reserve.current, 64);
}

static void the_use_of_its_reserve_makes_a_class_scarce(void)
{
	start(64);
	exhaust();
	assert_non_null(central_take_reserved(k));
	assert_true(k->scarce);
	assert_int_equal(k->reserve.current, 63);
	assert_false(central[C + 1].scarce);
}

static void without_a_reserve_no_class_is_ever_scarce(void)
{
	start(0);
	exhaust();
	assert_null(central_take_reserved(k));
	assert_false(k->scarce);
}

static void a_reserve_that_could_not_be_had_makes_scarce_too(void)
{
	start(64);
	exhaust();
	k->reserve.current = 0;
	assert_null(central_take_reserved(k));
	assert_true(k->scarce);
}

/* Hiding and showing is a walk over all slabs: not at each call. */
static void at_the_limit_one_object_to_and_fro_is_one_scarcity(void)
{
	start(64);
	exhaust();
	for (int i = 0; i < 10; i++) {
		void *p = central_take_reserved(k);

		assert_true(k->scarce);
		central_give(k, &p, 1);
		assert_int_equal(k->reserve.current, 64);
		assert_true(k->scarce);
		assert_null(central_refill(k, NULL));
	}
	central_check(k);
}

/* Takes all of the reserve. */
static void use_reserve(void)
{
	while (central_take_reserved(k))
		;
}

static void frees_fill_the_reserve_first_and_end_scarcity(void)
{
	start(64);
	exhaust();
	use_reserve();
	assert_int_equal(k->slabs.free_objects, 0);
	central_give(k, objects, 63);
	assert_int_equal(k->reserve.current, 63);
	assert_int_equal(k->slabs.free_objects, 0);
	assert_true(k->scarce);
	central_give(k, objects + 63, 10);
	assert_int_equal(k->reserve.current, 64);
	assert_int_equal(k->slabs.free_objects, 9);
	central_check(k);
	central_give(k, objects + 73, 200);
	assert_false(k->scarce);
	central_check(k);
}

static void a_source_that_works_again_fills_the_reserve(void)
{
	start(64);
	exhaust();
	use_reserve();
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
	use_reserve();
	source_allow();
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

/*
 * The reserve is full of what was freed, and there is stock besides.  Returns
 * how many objects were taken; all but the first 300 are used yet.
 */
static size_t refill_reserve(void)
{
	size_t taken;

	start(64);
	taken = exhaust();
	use_reserve();
	central_give(k, objects, 300);
	assert_int_equal(k->reserve.current, 64);
	assert_false(k->scarce);
	return taken;
}

static void an_object_in_a_full_reserve_freed_again_is_found(void)
{
	refill_reserve();
	central_give(k, &k->reserve.elements[20], 1);
}

static void an_object_in_a_full_reserve_of_a_scarce_class_is_found(void)
{
	refill_reserve();
	objects[0] = central_take_reserved(k);
	central_give(k, objects, 1);
	central_give(k, &k->reserve.elements[63], 1);
}

static void other_objects_are_freed_as_ever(void)
{
	size_t taken = refill_reserve();

	central_give(k, objects + 300, taken - 300);
	central_check(k);
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
		APART(what_has_left_a_pinned_reserve_is_not_pinned),
		APART(what_comes_into_a_pinned_reserve_is_pinned_while_it_is_there),
		APART(a_failed_source_alone_makes_no_class_scarce),
		APART(the_use_of_its_reserve_makes_a_class_scarce),
		APART(without_a_reserve_no_class_is_ever_scarce),
		APART(a_reserve_that_could_not_be_had_makes_scarce_too),
		APART(at_the_limit_one_object_to_and_fro_is_one_scarcity),
		APART(frees_fill_the_reserve_first_and_end_scarcity),
		APART(a_source_that_works_again_fills_the_reserve),
		APART(while_scarce_a_refill_takes_one_object_at_a_time),
		ABORTS(an_object_freed_twice_into_the_reserve_is_found,
		       "double free"),
		ABORTS(an_object_in_a_full_reserve_freed_again_is_found,
		       "double free"),
		ABORTS(an_object_in_a_full_reserve_of_a_scarce_class_is_found,
		       "double free"),
		APART(other_objects_are_freed_as_ever),
		ABORTS(an_address_inside_an_object_is_found_before_the_reserve,
		       "invalid free"),
		ABORTS(an_object_of_another_class_is_found_before_the_reserve,
		       "libmpool: "),
	};

	return cmocka_run_group_tests_name("central_reserve", tests, NULL,
					   NULL);
}
