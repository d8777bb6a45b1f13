/* SPDX-License-Identifier: MIT */
/*
 * test_heap_check.c - what heap_check() finds above the slabs.
 *
 * What it finds in slabs and space: test_slab_check.c, test_space.c.
 */
#include "unit/apart.h"

#include "unit/heaps.h"
#include "unit/source.h"

enum { C = 4, SIZE = C * CLASS_STEP };

static struct central *const k = &central[C];

/* Something in the depot, in the reserve and on both sides. */
static void prepare(void)
{
	heaps_start(64);
	heaps_alloc(SIZE, 1000);
	heaps_free(objects, 400);
	heaps_flush();
	heaps_alloc(SIZE, 10);
	heaps_free(objects + 400, 50);
	assert_true(k->depot.fulls > 1);
	heap_check();
}

/* Marks an object free in its slab, behind everybody's back. */
static void mark_free(void *object)
{
	slab_give(&k->slabs, &object, 1);
}

static void an_unspoilt_heap_passes(void)
{
	prepare();
}

/* --- the reserve --- */

static void more_in_the_reserve_than_its_minimum_is_found(void)
{
	prepare();
	k->reserve.min = 63;
	heap_check();
}

static void a_sleeper_beside_a_reserve_that_is_not_empty_is_found(void)
{
	struct waiter sleeper = { .state = WAITER_ASLEEP };

	prepare();
	list_add(&k->reserve.queue, &sleeper.link);
	heap_check();
}

static void a_reserved_object_marked_free_is_found(void)
{
	prepare();
	mark_free(k->reserve.elements[7]);
	heap_check();
}

static void a_reserved_object_of_another_class_is_found(void)
{
	prepare();
	k->reserve.elements[7] = object_alloc(SIZE / 2);
	heap_check();
}

static void an_address_inside_an_object_in_the_reserve_is_found(void)
{
	prepare();
	k->reserve.elements[7] = (char *)k->reserve.elements[7] + 16;
	heap_check();
}

static void an_object_twice_in_the_reserve_is_found(void)
{
	prepare();
	k->reserve.elements[7] = k->reserve.elements[50];
	heap_check();
}

/* --- the depot --- */

static void a_depot_object_marked_free_is_found(void)
{
	prepare();
	mark_free(k->depot.full[1][3]);
	heap_check();
}

static void a_depot_object_of_another_class_is_found(void)
{
	prepare();
	k->depot.full[1][3] = object_alloc(SIZE / 2);
	heap_check();
}

static void a_wrong_sum_of_depot_objects_is_found(void)
{
	prepare();
	k->depot.objects--;
	heap_check();
}

static void a_wrong_count_in_a_depot_magazine_is_found(void)
{
	prepare();
	magazine_of(k->depot.full[1])->count--;
	k->depot.objects--;
	heap_check();
}

static void an_object_twice_in_the_depot_is_found(void)
{
	prepare();
	k->depot.full[1][3] = k->depot.full[1][4];
	heap_check();
}

/* --- the caller's own magazines --- */

static void a_free_object_on_the_own_alloc_side_is_found(void)
{
	prepare();
	mark_free(heap_cache.of[C].alloc[-1]);
	heap_check();
}

static void a_free_object_on_the_own_free_side_is_found(void)
{
	prepare();
	mark_free(*heap_cache.of[C].free);
	heap_check();
}

static void an_object_of_another_class_on_the_own_free_side_is_found(void)
{
	prepare();
	*heap_cache.of[C].free = object_alloc(SIZE / 2);
	heap_check();
}

/* --- the layers below, through the same door --- */

static void a_wrong_count_of_a_class_is_found(void)
{
	prepare();
	k->slabs.free_objects--;
	heap_check();
}

static void a_scarce_class_that_is_not_hidden_is_found(void)
{
	prepare();
	k->scarce = true;
	heap_check();
}

static void a_scarce_class_passes(void)
{
	prepare();
	assert_non_null(central_take_reserved(k));
	assert_true(k->scarce);
	heap_check();
}

static void a_class_on_a_free_slab_is_found(void)
{
	prepare();
	heaps_alloc(128, 20000);
	heaps_free(objects, 20000);
	for (size_t d = 0; d < 64; d++)
		if (!space_map()[d])
			space_map()[d] = 16;
	heap_check();
}

#define CHECK "heap check of 0x"

/* --- a look at what circulates --- */

static void look(void)
{
	lock_take(&k->lock);
	central_look(k, &heap_cache.of[C]);
	lock_release(&k->lock);
}

static void a_look_changes_nothing(void)
{
	prepare();
	look();
	look();
	heap_check();
}

static void a_look_finds_an_object_on_both_sides(void)
{
	prepare();
	heap_cache.of[C].free[3] = heap_cache.of[C].alloc[-1];
	look();
}

static void a_look_finds_an_object_of_a_side_in_the_depot(void)
{
	prepare();
	heap_cache.of[C].free[3] = k->depot.full[0][5];
	look();
}

static void a_look_finds_a_free_object_on_a_side(void)
{
	prepare();
	mark_free(heap_cache.of[C].free[3]);
	look();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(an_unspoilt_heap_passes),
		ABORTS(more_in_the_reserve_than_its_minimum_is_found, CHECK),
		ABORTS(a_sleeper_beside_a_reserve_that_is_not_empty_is_found,
		       CHECK),
		ABORTS(a_reserved_object_marked_free_is_found, CHECK),
		ABORTS(a_reserved_object_of_another_class_is_found, CHECK),
		ABORTS(an_address_inside_an_object_in_the_reserve_is_found,
		       CHECK),
		ABORTS(an_object_twice_in_the_reserve_is_found, CHECK),
		ABORTS(a_depot_object_marked_free_is_found, CHECK),
		ABORTS(a_depot_object_of_another_class_is_found, CHECK),
		ABORTS(a_wrong_sum_of_depot_objects_is_found, CHECK),
		ABORTS(a_wrong_count_in_a_depot_magazine_is_found, CHECK),
		ABORTS(an_object_twice_in_the_depot_is_found, CHECK),
		ABORTS(a_free_object_on_the_own_alloc_side_is_found, CHECK),
		ABORTS(a_free_object_on_the_own_free_side_is_found, CHECK),
		ABORTS(an_object_of_another_class_on_the_own_free_side_is_found,
		       CHECK),
		ABORTS(a_wrong_count_of_a_class_is_found, CHECK),
		ABORTS(a_scarce_class_that_is_not_hidden_is_found, CHECK),
		APART(a_scarce_class_passes),
		ABORTS(a_class_on_a_free_slab_is_found, CHECK),
		APART(a_look_changes_nothing),
		ABORTS(a_look_finds_an_object_on_both_sides,
		       "at least 3 frees"),
		ABORTS(a_look_finds_an_object_of_a_side_in_the_depot,
		       "at least 3 frees"),
		ABORTS(a_look_finds_a_free_object_on_a_side,
		       "at least 3 frees"),
	};

	return cmocka_run_group_tests_name("heap_check", tests, NULL, NULL);
}
