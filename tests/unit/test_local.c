/* SPDX-License-Identifier: MIT */
/*
 * test_local.c - a pool's memory in each thread, and who hands it on.
 */
#include "unit/apart.h"

#include <limits.h>

#include "pool/local.h"
#include "unit/threads.h"

enum { THREADS = 4 };

static int pool, other_pool;
static int left, slot;
static void *left_pool, *left_memory;
static int memory[THREADS];
static pthread_barrier_t barrier;

static void leave(void *of, void *what)
{
	left_pool = of;
	left_memory = what;
	__atomic_fetch_add(&left, 1, __ATOMIC_RELAXED);
}

static void *hang(void *what)
{
	assert_null(mempool_local[slot]);
	assert_true(local_hang(slot, what));
	assert_ptr_equal(mempool_local[slot], what);
	return NULL;
}

static void *hang_and_stay(void *what)
{
	hang(what);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void run(void *(*body)(void *), void *arg)
{

	run_thread(body, arg);
}

static void there_are_as_many_slots_as_promised(void)
{
	for (int i = 0; i < MEMPOOL_LOCAL_SLOTS; i++)
		assert_int_equal(local_open(&pool, leave), i);
	errno = 4711;
	assert_int_equal(local_open(&pool, leave), -1);
	assert_int_equal(errno, 4711);
	local_close(17);
	assert_int_equal(local_open(&pool, leave), 17);
}

static pthread_key_t late_key;

/* Runs anew in each round of destructors, and hangs something up in the last.
 */
static void hang_in_the_last_round(void *round)
{
	if ((uintptr_t)round < PTHREAD_DESTRUCTOR_ITERATIONS)
		pthread_setspecific(late_key, (char *)round + 1);
	else
		hang(&memory[0]);
}

static void *enter_rounds(void *unused)
{
	(void)unused;
	pthread_setspecific(late_key, (void *)1);
	return NULL;
}

static void what_is_hung_up_in_the_last_round_is_handed_on(void)
{
#ifdef __SANITIZE_THREAD__
	apart_skip("ThreadSanitizer has left such a thread before");
#endif
	slot = local_open(&pool, leave);
	assert_int_equal(pthread_key_create(&late_key, hang_in_the_last_round),
			 0);
	run(enter_rounds, NULL);
	assert_int_equal(left, 1);
	assert_ptr_equal(left_memory, &memory[0]);
}

static void what_a_thread_hung_up_is_handed_on_at_its_end(void)
{
	slot = local_open(&pool, leave);
	run(hang, &memory[0]);
	assert_int_equal(left, 1);
	assert_ptr_equal(left_pool, &pool);
	assert_ptr_equal(left_memory, &memory[0]);
	local_close(slot);
	assert_int_equal(left, 1);
}

static void *hang_in_two(void *second)
{
	assert_true(local_hang(slot, &memory[0]));
	assert_true(local_hang(*(int *)second, &memory[1]));
	return NULL;
}

static void every_slot_of_a_thread_is_handed_on(void)
{
	int second;

	slot = local_open(&pool, leave);
	second = local_open(&other_pool, leave);
	run(hang_in_two, &second);
	assert_int_equal(left, 2);
}

static void start_and_hang(pthread_t *threads)
{
	slot = local_open(&pool, leave);
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		threads[i] = start_thread(hang_and_stay, &memory[i]);
	pthread_barrier_wait(&barrier);
}

static void join(pthread_t *threads)
{
	pthread_barrier_wait(&barrier);
	join_threads(threads, THREADS);
}

static void a_pool_that_dies_takes_every_threads_memory_back(void)
{
	pthread_t threads[THREADS];

	start_and_hang(threads);
	local_close(slot);
	assert_int_equal(left, THREADS);
	join(threads);
	assert_int_equal(left, THREADS);
}

static void a_slot_begins_empty_again_in_every_thread(void)
{
	slot = local_open(&pool, leave);
	hang(&memory[0]);
	local_close(slot);
	assert_int_equal(left, 1);
	assert_null(mempool_local[slot]);
	assert_int_equal(local_open(&other_pool, leave), slot);
	hang(&memory[1]);
	local_close(slot);
	assert_ptr_equal(left_pool, &other_pool);
}

static void count(void *what, void *arg)
{
	int *seen = arg;

	seen[(int *)what - memory]++;
}

static void a_walk_sees_each_threads_memory_once(void)
{
	int seen[THREADS] = { 0 };
	pthread_t threads[THREADS];

	start_and_hang(threads);
	local_walk(slot, count, seen);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(seen[i], 1);
	join(threads);
	local_walk(slot, count, seen);
	assert_int_equal(seen[0], 1);
}

static void in_a_child_the_memory_of_the_others_is_handed_on(void)
{
	pthread_t threads[THREADS];
	pid_t child;

	start_and_hang(threads);
	assert_true(local_hang(slot, &pool));
	child = fork();
	if (!child) {
		if (left != THREADS || mempool_local[slot] != &pool)
			_exit(1);
		/* And the list works on. */
		local_close(slot);
		_exit(left == THREADS + 1 ? 0 : 2);
	}
	assert_child_succeeds(child);
	assert_int_equal(left, 0);
	join(threads);
	assert_int_equal(left, THREADS);
}

static pthread_key_t late;

static void hang_late(void *unused)
{
	(void)unused;
	/* Once more, to be sure that ours has run. */
	if (!left) {
		pthread_setspecific(late, &late);
		return;
	}
	assert_false(local_hang(slot, &memory[1]));
	assert_null(mempool_local[slot]);
	left++;
}

static void *hang_now_and_late(void *what)
{
	pthread_setspecific(late, &late);
	return hang(what);
}

static void a_thread_that_is_ending_can_hang_up_nothing_more(void)
{
	pthread_key_create(&late, hang_late);
	slot = local_open(&pool, leave);
	run(hang_now_and_late, &memory[0]);
	assert_int_equal(left, 2);
}

static bool stop;

static void *come_and_go(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		run(hang, &memory[0]);
	return NULL;
}

static void forks_while_threads_end_do_not_hang(void)
{
	pthread_t threads[2];

	slot = local_open(&pool, leave);
	for (int i = 0; i < 2; i++)
		threads[i] = start_thread(come_and_go, NULL);
	for (int i = 0; i < 100; i++) {
		pid_t child = fork();

		if (!child) {
			hang(&memory[1]);
			local_close(slot);
			_exit(0);
		}
		assert_child_succeeds(child);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	join_threads(threads, 2);
}

static bool visiting, visited_what_is_gone;

static void visit_slowly(void *what, void *unused)
{
	struct timespec pause = { .tv_nsec = 50000000 };

	(void)what, (void)unused;
	__atomic_store_n(&visiting, true, __ATOMIC_SEQ_CST);
	nanosleep(&pause, NULL);
	__atomic_store_n(&visiting, false, __ATOMIC_SEQ_CST);
}

static void leave_visited(void *of, void *what)
{
	(void)of, (void)what;
	visited_what_is_gone |= __atomic_load_n(&visiting, __ATOMIC_SEQ_CST);
}

static void *hang_until_visited(void *what)
{
	hang(what);
	pthread_barrier_wait(&barrier);
	while (!__atomic_load_n(&visiting, __ATOMIC_SEQ_CST))
		;
	return NULL;
}

static void nothing_is_handed_on_while_a_visitor_is_at_it(void)
{
	pthread_t thread;

	slot = local_open(&pool, leave_visited);
	pthread_barrier_init(&barrier, NULL, 2);
	thread = start_thread(hang_until_visited, &memory[0]);
	pthread_barrier_wait(&barrier);
	local_walk(slot, visit_slowly, NULL);
	join_thread(thread);
	assert_false(visited_what_is_gone);
	local_close(slot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(there_are_as_many_slots_as_promised),
		APART(what_a_thread_hung_up_is_handed_on_at_its_end),
		APART(what_is_hung_up_in_the_last_round_is_handed_on),
		APART(every_slot_of_a_thread_is_handed_on),
		APART(a_pool_that_dies_takes_every_threads_memory_back),
		APART(a_slot_begins_empty_again_in_every_thread),
		APART(a_walk_sees_each_threads_memory_once),
		APART(in_a_child_the_memory_of_the_others_is_handed_on),
		APART(a_thread_that_is_ending_can_hang_up_nothing_more),
		APART(nothing_is_handed_on_while_a_visitor_is_at_it),
		APART(forks_while_threads_end_do_not_hang),
	};

	return cmocka_run_group_tests_name("local", tests, NULL, NULL);
}
