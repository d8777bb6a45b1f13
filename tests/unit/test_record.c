/* SPDX-License-Identifier: MIT */
/*
 * test_record.c - what is recorded, and what must wait while a thread is
 * inside.
 */
#include "unit/apart.h"

#include <semaphore.h>
#include <sys/wait.h>

#include "heap/sample.h"
#include "watch/record.h"
#include "watch/sites.h"
#include "unit/forks.h"
#include "unit/recorded.h"
#include "unit/threads.h"

static void *freed[4];
static int frees;

static void note_free(void *p)
{
	assert_true(record_enter()); /* as a free of the interposer */
	freed[frees++] = p;
	record_leave();
}

static void every_allocation_is_recorded_until_it_is_freed(void)
{
	static char object[200];
	struct live was;

	record_start(1, note_free);
	record_sample(object, sizeof object, 1);
	assert_int_equal(live_count(), 1);
	assert_true(record_enter());
	assert_true(record_forget(object, &was));
	assert_false(record_forget(object, &was));
	record_leave();
	assert_int_equal(live_count(), 0);
}

/* As when realloc has failed. */
static void what_is_kept_after_all_counts_as_if_never_forgotten(void)
{
	static char object[200];
	struct live was;

	record_start(1, note_free);
	record_sample(object, sizeof object, 1);
	assert_true(record_enter());
	assert_true(record_forget(object, &was));
	assert_int_equal(sites_at(was.site).live, 0);
	record_kept(&was);
	record_leave();
	assert_int_equal(sites_at(was.site).live, 1);
	assert_int_equal(sites_at(was.site).total, 1);
	assert_true(live_take(object, &was));
	assert_int_equal(record_lost(), 0);
}

static void inside_nothing_is_recorded_and_frees_wait(void)
{
	static void *first[4], *second[4];

	record_start(1, note_free);
	assert_true(record_enter());
	assert_false(record_enter());
	record_sample(first, sizeof first, 1);
	assert_int_equal(live_count(), 0);
	assert_int_equal(sample_due(sizeof first), 0);
	assert_true(sample_pass(class_of(64)));
	record_defer(first);
	record_defer(second);
	assert_int_equal(frees, 0);
	record_leave();
	assert_int_equal(frees, 2);
	assert_ptr_equal(freed[0], second);
	assert_ptr_equal(freed[1], first);
}

static void a_child_that_nobody_announced_records_nothing(void)
{
	static char object[200];
	pid_t child;

	record_start(1, note_free);
	record_sample(object, sizeof object, 1);
	assert_true(record_enter()); /* its locks may be held for ever */
	forks_act(live_fork, FORK_TAKE);
	child = _Fork();
	if (child == 0)
		_exit(record_is_on() || live_maybe(object));
	forks_act(live_fork, FORK_RELEASE);
	record_leave();
	assert_child_succeeds(child);
	assert_true(record_is_on());
}

static void a_child_of_fork_goes_on(void)
{
	static char object[200];
	pid_t child;

	record_start(1, note_free);
	fork_filled_by(record_fork);
	fork_prepare();
	child = _Fork();
	if (child == 0) {
		fork_child();
		record_sample(object, sizeof object, 1);
		_exit(!record_is_on() || live_count() != 1);
	}
	fork_parent();
	assert_child_succeeds(child);
}

static void *record_for_ever(void *started)
{
	static char object[200];
	struct live was;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	sem_post(started);
	for (;;) {
		record_sample(object, sizeof object, 1);
		if (record_enter()) {
			record_forget(object, &was);
			record_leave();
		}
	}
	return NULL;
}

/* A lock that stayed taken would hang whoever comes next. */
static void a_thread_that_is_cancelled_asynchronously_leaves_no_lock(void)
{
	static char object[300];
	struct live was;
	sem_t started;

	record_start(1, note_free);
	sem_init(&started, 0, 0);
	for (int i = 0; i < 300; i++) {
		pthread_t thread = start_thread(record_for_ever, &started);

		sem_wait(&started);
		for (volatile int spin = 0; spin < i * 97; spin++)
			;
		pthread_cancel(thread);
		join_thread(thread);
		record_sample(object, sizeof object, 1);
		assert_true(record_enter());
		assert_true(record_forget(object, &was));
		record_leave();
	}
}

static void what_is_freed_late_leaves_cancellation_as_it_was(void)
{
	static void *object[4];
	int state;

	record_start(1, note_free);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	assert_true(record_enter());
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &state);
	assert_int_equal(state, PTHREAD_CANCEL_DEFERRED);
	record_defer(object);
	record_leave();
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &state);
	assert_int_equal(state, PTHREAD_CANCEL_ASYNCHRONOUS);
	assert_int_equal(frees, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(every_allocation_is_recorded_until_it_is_freed),
		APART(what_is_kept_after_all_counts_as_if_never_forgotten),
		APART(inside_nothing_is_recorded_and_frees_wait),
		APART(a_child_that_nobody_announced_records_nothing),
		APART(a_child_of_fork_goes_on),
		APART(a_thread_that_is_cancelled_asynchronously_leaves_no_lock),
		APART(what_is_freed_late_leaves_cancellation_as_it_was),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
