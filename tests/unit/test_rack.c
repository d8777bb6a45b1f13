/* SPDX-License-Identifier: MIT */
/*
 * test_rack.c - a class's depot shared out among processors.
 */
#include "unit/apart.h"

#include <sched.h>

#include "unit/heaps.h"
#include "unit/source.h"
#include "unit/threads.h"

enum { C = 4, SIZE = C * CLASS_STEP, MANY = 2000 };

static struct central *const k = &central[C];

/* This thread stays on the processor that it is on. */
static void stay(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	assert_int_equal(sched_setaffinity(0, sizeof here, &here), 0);
}

static void wait_for_the_class(uint64_t times)
{
	while (times--) {
		central_wait(k);
		lock_release(&k->lock);
	}
}

static void share_out_with(size_t reserve)
{
	heaps_start(reserve);
	stay();
	wait_for_the_class(rack_after);
	assert_non_null(k->racks_in_use);
}

static void share_out(void)
{
	share_out_with(0);
}

static void fill_and_empty(void)
{
	heaps_alloc(SIZE, MANY);
	heaps_free(objects, MANY);
}

/* --- when --- */

static void racks_come_with_the_waits(void)
{
	heaps_start(0);
	wait_for_the_class(rack_after - 1);
	assert_null(k->racks);
	wait_for_the_class(1);
	assert_non_null(k->racks_in_use);
	assert_ptr_equal(k->racks_in_use, k->racks);
}

static void a_lock_that_is_free_is_no_wait(void)
{
	heaps_start(0);
	for (uint64_t i = 0; i < 2 * rack_after; i++) {
		central_lock(k);
		lock_release(&k->lock);
	}
	fill_and_empty();
	assert_int_equal(k->waits, 0);
	assert_null(k->racks);
}

static void without_memory_for_racks_all_goes_on(void)
{
	heaps_start(0);
	source_refuse();
	wait_for_the_class(rack_after);
	assert_null(k->racks_in_use);
	source_allow();
	wait_for_the_class(rack_after);
	assert_non_null(k->racks_in_use);
}

static void a_scarce_class_has_none_in_use(void)
{
	share_out_with(64);
	lock_take(&k->lock);
	central_take_reserved(k);
	assert_null(k->racks_in_use);
	lock_release(&k->lock);
	wait_for_the_class(rack_after);
	assert_null(k->racks_in_use);
}

/* --- what --- */

static void magazines_go_round_without_the_class(void)
{
	uint64_t before;

	share_out();
	fill_and_empty();
	before = k->refills + k->drains + k->depot_hits;
	for (int i = 0; i < 10; i++) {
		heaps_alloc(SIZE, MANY / 2);
		heaps_free(objects, MANY / 2);
	}
	assert_int_equal(k->refills + k->drains + k->depot_hits, before);
	assert_true(rack_sum(k->racks).hits >= 10);
	heaps_nothing_is_lost(C);
}

static void what_lies_there_is_cached_stock(void)
{
	share_out();
	fill_and_empty();
	assert_true(rack_sum(k->racks).objects > 0);
	heaps_flush();
	assert_int_equal(heaps_stats(C).cached,
			 k->depot.objects + rack_sum(k->racks).objects);
	assert_int_equal(heaps_stats(C).live, 0);
	heaps_nothing_is_lost(C);
}

static void a_trim_empties_them(void)
{
	share_out();
	fill_and_empty();
	heap_trim();
	assert_int_equal(rack_sum(k->racks).objects, 0);
	assert_int_equal(k->racks->filled, 0);
	assert_int_equal(heaps_stats(C).cached, 0);
	heaps_nothing_is_lost(C);
}

/* The magazines of this processor's rack become another's. */
static unsigned move_away(void)
{
	unsigned from = (unsigned)sched_getcpu() % RACKS;
	unsigned to = (from + RACKS - 3) % RACKS;

	k->racks->of[to].depot = k->racks->of[from].depot;
	k->racks->of[from].depot = (struct depot){ 0 };
	k->racks->filled = UINT64_C(1) << to;
	return to;
}

static void an_empty_rack_is_made_good_by_another(void)
{
	unsigned fulls, to;
	void **top;

	share_out();
	fill_and_empty();
	to = move_away();
	fulls = k->racks->of[to].depot.fulls;
	assert_true(fulls > 1);
	for (unsigned i = 0; i < fulls; i++) {
		top = rack_take(&k->racks_in_use, NULL);
		assert_non_null(top);
		lock_take(&k->lock);
		central_park(k, top);
		lock_release(&k->lock);
	}
	assert_null(rack_take(&k->racks_in_use, NULL));
	assert_int_equal(k->racks->filled, 0);
	heaps_nothing_is_lost(C);
}

static void a_full_rack_takes_no_more(void)
{
	void **top;

	share_out();
	fill_and_empty();
	lock_take(&k->lock);
	top = central_refill(k, NULL);
	lock_release(&k->lock);
	assert_int_equal(rack_sum(k->racks).objects,
			 DEPOT_MAGAZINES * MAGAZINE_OBJECTS);
	assert_null(rack_put(&k->racks_in_use, top, class_fill(C)));
}

/* A free side of eight objects, full. */
static void **full_side_of_eight(void)
{
	void **top = magazine_rest(magazine_new(), 8) - 8;

	lock_take(&k->lock);
	assert_int_equal(slab_take(&k->slabs, top, 8), 8);
	lock_release(&k->lock);
	return top;
}

static void sides_of_large_objects_share_a_racks_magazine(void)
{
	void **first, **second, **both;

	share_out();
	first = full_side_of_eight();
	second = full_side_of_eight();
	assert_ptr_not_equal(rack_put(&k->racks_in_use, first, 8),
			     magazine_of(first));
	assert_ptr_equal(rack_put(&k->racks_in_use, second, 8),
			 magazine_of(second));
	both = rack_take(&k->racks_in_use, NULL);
	assert_int_equal(magazine_count(both), 16);
	assert_memory_equal(both, second, 8 * sizeof(*both));
	assert_null(rack_take(&k->racks_in_use, NULL));
}

static void racks_out_of_use_give_and_take_nothing(void)
{
	void **top;

	share_out();
	fill_and_empty();
	top = rack_take(&k->racks_in_use, NULL);
	assert_non_null(top);
	k->racks_in_use = NULL;
	assert_null(rack_put(&k->racks_in_use, top, class_fill(C)));
	assert_null(rack_take(&k->racks_in_use, NULL));
}

static void what_lies_there_twice_is_found(void)
{
	void **top;

	share_out();
	fill_and_empty();
	top = k->racks->of[(unsigned)sched_getcpu() % RACKS].depot.full[0];
	top[0] = top[1];
	heap_check();
}

/* --- children --- */

static void a_child_goes_on_with_them(void)
{
	int status;
	pid_t child;

	share_out();
	fill_and_empty();
	fork_filled_by(heap_fork);
	fork_prepare();
	assert_true(lock_is_taken(&k->racks->of[0].lock));
	child = fork();
	if (!child) {
		fork_child();
		fill_and_empty();
		heap_check();
		_exit(0);
	}
	fork_parent();
	assert_false(lock_is_taken(&k->racks->of[0].lock));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	fill_and_empty();
	heaps_nothing_is_lost(C);
}

static void a_rack_whose_holder_is_lost_is_given_up(void)
{
	unsigned own;

	share_out();
	fill_and_empty();
	own = (unsigned)sched_getcpu() % RACKS;
	lock_take(&k->racks->of[own].lock);
	central_adopt(k);
	assert_false(lock_is_taken(&k->racks->of[own].lock));
	assert_int_equal(rack_sum(k->racks).objects, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(racks_come_with_the_waits),
		APART(a_lock_that_is_free_is_no_wait),
		APART(without_memory_for_racks_all_goes_on),
		APART(a_scarce_class_has_none_in_use),
		APART(magazines_go_round_without_the_class),
		APART(what_lies_there_is_cached_stock),
		APART(a_trim_empties_them),
		APART(an_empty_rack_is_made_good_by_another),
		APART(a_full_rack_takes_no_more),
		APART(sides_of_large_objects_share_a_racks_magazine),
		APART(racks_out_of_use_give_and_take_nothing),
		ABORTS(what_lies_there_twice_is_found, "held twice"),
		APART(a_child_goes_on_with_them),
		APART(a_rack_whose_holder_is_lost_is_given_up),
	};

	return cmocka_run_group_tests_name("rack", tests, NULL, NULL);
}
