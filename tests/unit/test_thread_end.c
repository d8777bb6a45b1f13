/* SPDX-License-Identifier: MIT */
/*
 * test_thread_end.c - a function that is called when a thread ends.
 */
#include "unit/apart.h"

#include <errno.h>
#include <limits.h>

#include "base/thread_end.h"
#include "unit/threads.h"

enum { KEYS = 200, THREADS = 300 };

static pthread_key_t watched, other;
static unsigned ended;
static pthread_key_t late[KEYS];

static void end(void *value)
{
	assert_ptr_equal(value, &ended);
	ended++;
}

static void *watch(void *unused)
{
	(void)unused;
	errno = 4711;
	assert_true(thread_end_watch(&watched, end, &ended));
	assert_int_equal(errno, 4711);
	return NULL;
}

static void *watch_both(void *unused)
{
	watch(unused);
	assert_true(thread_end_watch(&other, end, &ended));
	return NULL;
}

static void it_is_called_once_when_a_thread_ends(void)
{
	assert_true(thread_end_start(&watched, end));
	run_thread(watch, NULL);
	assert_int_equal(ended, 1);
}

/* A destructor that runs anew in each round, and begins to watch in one. */
struct round {
	pthread_key_t key;
	uintptr_t now, begin;
};

static void go_round(void *data)
{
	struct round *r = data;

	if (r->now++ == r->begin)
		watch(NULL);
	else
		pthread_setspecific(r->key, r);
}

static void *enter_rounds(void *data)
{
	struct round *r = data;

	pthread_setspecific(r->key, r);
	return NULL;
}

static void called_from_each_round_of(pthread_key_t key)
{
	for (uintptr_t n = 0; n < PTHREAD_DESTRUCTOR_ITERATIONS; n++) {
		struct round r = { key, 0, n };

		ended = 0;
		run_thread(enter_rounds, &r);
		assert_int_equal(ended, 1);
	}
}

static void it_is_called_though_asked_for_in_the_last_round(void)
{
	pthread_key_t early;

#ifdef __SANITIZE_THREAD__
	apart_skip("ThreadSanitizer has left such a thread before");
#endif
	assert_int_equal(pthread_key_create(&early, go_round), 0);
	assert_true(thread_end_start(&watched, end));
	called_from_each_round_of(early);
	for (int i = 0; i < KEYS; i++) {
		assert_int_equal(pthread_key_create(&late[i], go_round), 0);
		called_from_each_round_of(late[i]);
	}
	for (int i = 0; i < KEYS; i++)
		called_from_each_round_of(late[i]);
}

static unsigned keys_left(void)
{
	static pthread_key_t keys[PTHREAD_KEYS_MAX];
	unsigned n = 0;

	while (pthread_key_create(&keys[n], NULL) == 0)
		n++;
	for (unsigned i = 0; i < n; i++)
		pthread_key_delete(keys[i]);
	return n;
}

static void several_do_not_drive_each_other_up(void)
{
	unsigned left;

	assert_true(thread_end_start(&watched, end));
	assert_true(thread_end_start(&other, end));
	left = keys_left();
	for (int i = 0; i < THREADS; i++)
		run_thread(watch_both, NULL);
	assert_int_equal(ended, 2 * THREADS);
	assert_true(keys_left() >= left - 2);
}

static void without_a_key_left_it_still_watches(void)
{
	pthread_key_t key;

	assert_true(thread_end_start(&watched, end));
	while (pthread_key_create(&key, NULL) == 0)
		;
	run_thread(watch, NULL);
	assert_int_equal(ended, 1);
	assert_false(thread_end_start(&other, end));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(it_is_called_once_when_a_thread_ends),
		APART(it_is_called_though_asked_for_in_the_last_round),
		APART(several_do_not_drive_each_other_up),
		APART(without_a_key_left_it_still_watches),
	};

	return cmocka_run_group_tests_name("thread_end", tests, NULL, NULL);
}
