/* SPDX-License-Identifier: MIT */
/*
 * test_lock_order.c - the order of ranks, as builds with LOCK_WITNESS see it.
 */
#ifndef LOCK_WITNESS
#define LOCK_WITNESS
#endif
#include "unit/apart.h"

#include "base/lock.h"
#include "unit/threads.h"

static struct lock outer = LOCK(RANK_FIXED);
static struct lock inner = LOCK(RANK_CLASS);
static struct lock equals[2] = { LOCK(RANK_TREE), LOCK(RANK_TREE) };
static struct lock nameless;

static void take(struct lock *first, struct lock *second)
{
	lock_take(first);
	lock_take(second);
	lock_release(second);
	lock_release(first);
}

static void inner_locks_may_be_taken_under_outer_ones(void)
{
	take(&outer, &inner);
	take(&outer, &inner);
	take(&equals[0], &equals[1]);
}

static void what_was_released_is_not_held(void)
{
	lock_take(&outer);
	lock_take(&inner);
	lock_release(&outer);
	lock_release(&inner);
	take(&outer, &inner);
}

static void a_try_may_come_in_any_order(void)
{
	lock_take(&inner);
	assert_true(lock_try(&outer));
	assert_false(lock_try(&outer));
	lock_release(&outer);
	lock_release(&inner);
}

static void a_wrong_order_is_named(void)
{
	take(&inner, &outer);
}

static void under_what_was_only_tried_a_wrong_order_is_named(void)
{
	assert_true(lock_try(&inner));
	lock_take(&outer);
}

static void of_equals_the_lower_address_comes_first(void)
{
	take(&equals[1], &equals[0]);
}

static void a_lock_is_not_taken_twice(void)
{
	take(&inner, &inner);
}

static void a_lock_without_a_rank_is_named(void)
{
	lock_take(&nameless);
}

static void a_lock_that_fork_does_not_know_is_named(void)
{
	lock_witness_expect(UINT64_C(1) << RANK_FIXED);
	take(&outer, &inner);
}

static void *take_the_outer_one(void *unused)
{
	lock_take(&outer);
	lock_release(&outer);
	return unused;
}

static void what_another_thread_holds_does_not_count(void)
{
	lock_take(&inner);
	run_thread(take_the_outer_one, NULL);
	lock_release(&inner);
}

static void a_child_holds_nothing(void)
{
	lock_take(&inner);
	lock_witness_forget_all();
	lock_take(&outer);
	lock_reset(&inner);
	lock_release(&outer);
	take(&outer, &inner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(inner_locks_may_be_taken_under_outer_ones),
		APART(what_was_released_is_not_held),
		APART(a_try_may_come_in_any_order),
		ABORTS(a_wrong_order_is_named,
		       "lock order: FIXED is taken by who holds CLASS"),
		ABORTS(under_what_was_only_tried_a_wrong_order_is_named,
		       "FIXED is taken by who holds CLASS"),
		ABORTS(of_equals_the_lower_address_comes_first,
		       "is taken by who holds a later one of TREE"),
		ABORTS(a_lock_is_not_taken_twice,
		       "is taken by who holds a later one of CLASS"),
		ABORTS(a_lock_without_a_rank_is_named, "NONE is no rank"),
		ABORTS(a_lock_that_fork_does_not_know_is_named,
		       "is not in the table of fork"),
		APART(what_another_thread_holds_does_not_count),
		APART(a_child_holds_nothing),
	};

	return cmocka_run_group_tests_name("lock_order", tests, NULL, NULL);
}
