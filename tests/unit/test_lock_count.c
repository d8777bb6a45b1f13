/* SPDX-License-Identifier: MIT */
/*
 * test_lock_count.c - what locks cost, as builds with LOCK_COUNT see it.
 */
#ifndef LOCK_COUNT
#define LOCK_COUNT
#endif
#include "unit/apart.h"

#include "base/lock.h"
#include "unit/clock.h"
#include "unit/threads.h"

enum { ROUNDS = 1000, LOCKS = LOCK_COUNT_ROWS + 10 };

static struct lock lock = LOCK(RANK_CLASS);
static struct lock other = LOCK(RANK_SPACE);

static void take_and_release(struct lock *one, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		lock_take(one);
		lock_release(one);
	}
}

static void each_lock_counts_how_often_it_was_taken(void)
{
	take_and_release(&lock, ROUNDS);
	assert_true(lock_try(&other));
	assert_false(lock_try(&other));
	lock_drop(&other);
	assert_int_equal(lock.row->taken, ROUNDS);
	assert_int_equal(lock.row->waited, 0);
	assert_int_equal(other.row->taken, 1);
	assert_int_equal(other.row->rank, RANK_SPACE);
}

static void *take_once(void *unused)
{
	take_and_release(&lock, 1);
	return unused;
}

static void who_found_it_held_is_counted(void)
{
	pthread_t thread;

	lock_take(&lock);
	thread = start_thread(take_once, NULL);
	while (__atomic_load_n(&lock.word, __ATOMIC_RELAXED) != 2)
		pause_ms(1);
	lock_release(&lock);
	join_thread(thread);
	assert_int_equal(lock.row->taken, 2);
	assert_int_equal(lock.row->waited, 1);
}

/* 100 ms: a clock of a few hundred MHz has a long hold there too. */
static void a_long_hold_is_counted_and_its_time_is_not(void)
{
	lock_take(&lock);
	pause_ms(100);
	lock_release(&lock);
	assert_int_equal(lock.row->longs, 1);
	assert_int_equal(lock.row->held, 0);
}

static void a_copied_lock_gets_a_row_of_its_own(void)
{
	struct lock copy;

	take_and_release(&lock, ROUNDS);
	copy = lock;
	take_and_release(&copy, 1);
	assert_int_equal(copy.row->taken, 1);
	assert_int_equal(lock.row->taken, ROUNDS);
}

static void more_locks_than_rows_share_the_last(void)
{
	static struct lock many[LOCKS];

	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < LOCKS; i++) {
			lock_init(&many[i], RANK_VAR);
			take_and_release(&many[i], 1);
		}
	assert_int_equal(many[0].row->taken, 2);
	assert_ptr_equal(many[LOCKS - 1].row, many[LOCK_COUNT_ROWS].row);
	assert_int_equal(many[LOCKS - 1].row->taken,
			 2 * (LOCKS - LOCK_COUNT_ROWS + 1));
}

static void the_table_names_rank_and_counts(void)
{
	char text[4096];
	int ends[2];
	ssize_t length;

	take_and_release(&lock, ROUNDS);
	assert_int_equal(pipe(ends), 0);
	lock_count_print(ends[1]);
	length = read(ends[0], text, sizeof(text) - 1);
	assert_true(length > 0);
	text[length] = 0;
	assert_non_null(strstr(text, "locks: processor_ns="));
	assert_non_null(strstr(text, "locks: CLASS taken=1000 waited=0 held"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(each_lock_counts_how_often_it_was_taken),
		APART(who_found_it_held_is_counted),
		APART(a_long_hold_is_counted_and_its_time_is_not),
		APART(a_copied_lock_gets_a_row_of_its_own),
		APART(more_locks_than_rows_share_the_last),
		APART(the_table_names_rank_and_counts),
	};

	return cmocka_run_group_tests_name("lock_count", tests, NULL, NULL);
}
