/* SPDX-License-Identifier: MIT */
/*
 * test_lock.c - the futex lock, and the mark that a child process loses.
 */
#include "unit/apart.h"

#include <sys/syscall.h>

#include "base/lock.h"
#include "unit/clock.h"
#include "unit/source.h"
#include "unit/threads.h"

enum { THREADS = 4, ROUNDS = 50000 };

static struct lock lock = LOCK(RANK_CLASS);
static unsigned long guarded;

static void *count_under_the_lock(void *unused)
{
	(void)unused;
	for (unsigned i = 0; i < ROUNDS; i++) {
		lock_take(&lock);
		guarded++;
		lock_release(&lock);
	}
	return NULL;
}

static void one_at_a_time_gets_in(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		threads[i] = start_thread(count_under_the_lock, NULL);
	join_threads(threads, THREADS);
	assert_int_equal(guarded, (unsigned long)THREADS * ROUNDS);
	assert_int_equal(lock.word, 0);
}

static void *take_and_release(void *unused)
{
	(void)unused;
	lock_take(&lock);
	guarded++;
	lock_release(&lock);
	return NULL;
}

static void whoever_finds_it_held_sleeps_until_the_release(void)
{
	struct timespec cpu;
	pthread_t thread;
	clockid_t clock;

	lock_take(&lock);
	assert_int_equal(lock.word, 1);
	thread = start_thread(take_and_release, NULL);
	while (__atomic_load_n(&lock.word, __ATOMIC_RELAXED) != 2)
		pause_ms(1);
	pause_ms(100);
	assert_int_equal(guarded, 0);
	assert_int_equal(pthread_getcpuclockid(thread, &clock), 0);
	clock_gettime(clock, &cpu);
	assert_true(cpu.tv_sec == 0 && cpu.tv_nsec < 50 * 1000000);
	lock_release(&lock);
	join_thread(thread);
	assert_int_equal(guarded, 1);
	assert_int_equal(lock.word, 0);
}

static void several_sleepers_all_get_their_turn(void)
{
	pthread_t threads[THREADS];

	lock_take(&lock);
	for (int i = 0; i < THREADS; i++)
		threads[i] = start_thread(take_and_release, NULL);
	pause_ms(30);
	lock_release(&lock);
	join_threads(threads, THREADS);
	assert_int_equal(guarded, THREADS);
}

/*
 * That one has no processor yet, and who took the lock meanwhile did not know
 * that anybody sleeps.
 */
static void a_sleeper_does_not_depend_on_the_one_that_was_woken(void)
{
	pthread_t thread;

	lock_take(&lock);
	thread = start_thread(take_and_release, NULL);
	while (__atomic_load_n(&lock.word, __ATOMIC_RELAXED) != 2)
		pause_ms(1);
	pause_ms(30);
	lock_reset(&lock);
	join_thread(thread);
	assert_int_equal(guarded, 1);
}

static void a_reset_forgets_the_holder(void)
{
	lock_take(&lock);
	lock_reset(&lock);
	lock_take(&lock);
	lock_release(&lock);
}

static void errno_is_left_alone_by_a_wait(void)
{
	pthread_t thread;

	lock_take(&lock);
	thread = start_thread(take_and_release, NULL);
	pause_ms(20);
	errno = 4711;
	lock_release(&lock);
	lock_take(&lock);
	lock_release(&lock);
	assert_int_equal(errno, 4711);
	join_thread(thread);
}

/* --- the mark --- */

/* A child that no atfork handler hears of; what it found. */
static int status_of_child(int (*ask)(void))
{
	int status;
	pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (!child)
		_exit(ask());
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int orphaned(void)
{
	return lock_orphaned();
}

static int renewed_once(void)
{
	return lock_renew_process() && !lock_renew_process() &&
	       !lock_orphaned();
}

static int child_of_a_renewed_child(void)
{
	return lock_renew_process() ? status_of_child(orphaned) : -1;
}

static void only_a_child_is_an_orphan(void)
{
	lock_mark_process();
	if (!lock_process_mark)
		apart_skip("this kernel wipes nothing on fork");
	assert_false(lock_orphaned());
	assert_int_equal(status_of_child(orphaned), 1);
	assert_false(lock_orphaned());
}

static void a_child_renews_the_mark_once(void)
{
	lock_mark_process();
	if (!lock_process_mark)
		apart_skip("this kernel wipes nothing on fork");
	assert_false(lock_renew_process());
	assert_int_equal(status_of_child(renewed_once), 1);
}

static void a_grandchild_is_an_orphan_again(void)
{
	lock_mark_process();
	if (!lock_process_mark)
		apart_skip("this kernel wipes nothing on fork");
	assert_int_equal(status_of_child(child_of_a_renewed_child), 1);
}

static void without_a_mark_nobody_is_an_orphan(void)
{
	assert_false(lock_orphaned());
	source.refuse_wipe = true;
	lock_mark_process();
	assert_null(lock_process_mark);
	source.refuse_wipe = false;
	source_refuse();
	errno = 4711;
	lock_mark_process();
	assert_int_equal(errno, 4711);
	assert_null(lock_process_mark);
	assert_false(lock_renew_process());
	assert_int_equal(status_of_child(orphaned), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(one_at_a_time_gets_in),
		APART(whoever_finds_it_held_sleeps_until_the_release),
		APART(several_sleepers_all_get_their_turn),
		APART(a_sleeper_does_not_depend_on_the_one_that_was_woken),
		APART(a_reset_forgets_the_holder),
		APART(errno_is_left_alone_by_a_wait),
		APART(only_a_child_is_an_orphan),
		APART(a_child_renews_the_mark_once),
		APART(a_grandchild_is_an_orphan_again),
		APART(without_a_mark_nobody_is_an_orphan),
	};

	return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
