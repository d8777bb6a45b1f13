/* SPDX-License-Identifier: MIT */
/*
 * test_mempool_crowd.c - many threads in a mempool: fairness, no wake-up lost,
 * and what becomes of them when the pool is destroyed or the process forks.
 */
#include "unit/apart.h"

#include <sched.h>

#include "unit/mempools.h"

enum { WAITERS = 6 };

/* --- the end of a pool, and of a process --- */

static void destruction_sends_waiters_away(void)
{
	struct caller c[WAITERS] = { 0 };

	for (int round = 0; round < 20; round++) {
		void *element;
		mempool_t *pool = empty_pool(&element);
		void *in_its_place;

		for (int i = 0; i < WAITERS; i++)
			let_wait(&c[i], pool);
		mempool_destroy(pool);
		/* Whoever looked at the pool now would find this. */
		in_its_place = malloc(sizeof(struct mempool_inside));
		memset(in_its_place, 0xff, sizeof(struct mempool_inside));
		for (int i = 0; i < WAITERS; i++) {
			join_thread(c[i].thread);
			assert_null(c[i].got);
			assert_int_equal(c[i].error, ECANCELED);
		}
		free(in_its_place);
		counting_free(element, &counting);
		assert_int_equal(counting.live, 0);
	}
}

static void *fails_after_a_while(gfp_t flags, void *data)
{
	(void)data;
	if (!(flags & MEMPOOL_NOWAIT) && counting.gives <= 0)
		pause_ms(50);
	return counting_alloc(flags, data);
}

static void destruction_waits_for_who_is_in_the_source(void)
{
	struct caller c = { 0 };
	mempool_t *pool = mempool_create(1, fails_after_a_while, counting_free,
					 &counting);
	void *element;

	source_gives(0);
	element = mempool_alloc(pool, GFP_KERNEL);
	mempool_set_wait(pool, 1);
	let_wait(&c, pool);
	pause_ms(20);
	mempool_destroy(pool);
	join_thread(c.thread);
	assert_null(c.got);
	assert_int_equal(c.error, ECANCELED);
	counting_free(element, &counting);
	assert_int_equal(counting.live, 0);
}

static void a_child_finds_the_pool_usable_and_nobody_waiting(void)
{
	struct caller c[WAITERS] = { 0 };
	void *element;
	mempool_t *pool = empty_pool(&element);

	for (int i = 0; i < WAITERS; i++)
		let_wait(&c[i], pool);
	for (int round = 0; round < 10; round++) {
		pid_t child = fork();

		if (!child) {
			alarm(60);
			mempool_free(element, pool);
			if (mempool_alloc(pool, GFP_KERNEL) != element)
				_exit(1);
			mempool_free(element, pool);
			mempool_destroy(pool);
			_exit(counting.live);
		}
		assert_child_succeeds(child);
	}
	for (int i = 0; i < WAITERS; i++) {
		mempool_free(element, pool);
		join_thread(c[i].thread);
	}
	end_of_empty(pool, element);
}

static bool storm_over;

static void *take_and_return(void *data)
{
	mempool_t *pool = data;

	while (!__atomic_load_n(&storm_over, __ATOMIC_RELAXED)) {
		void *p = mempool_alloc(pool, GFP_KERNEL);

		mempool_free(p, pool);
	}
	return NULL;
}

static void forks_in_a_crowd_leave_no_lock_behind(void)
{
	mempool_t *pool = scarce_pool(2);
	pthread_t threads[4];

	start_threads(threads, 4, take_and_return, pool);
	for (int round = 0; round < 100; round++) {
		pid_t child = fork();

		if (!child) {
			alarm(60);
			/* Those outside are with threads that are not here. */
			source_gives(2);
			mempool_resize(pool, 2);
			source_gives(0);
			for (int i = 0; i < 10; i++)
				mempool_free(mempool_alloc(pool, GFP_KERNEL),
					     pool);
			_exit(mempool_is_saturated(pool) ? 0 : 1);
		}
		assert_child_succeeds(child);
	}
	__atomic_store_n(&storm_over, true, __ATOMIC_RELAXED);
	join_threads(threads, 4);
	end_of(pool);
}

/* --- no wake-up is lost --- */

enum { CROWD = 6, HAND_OFFS = 20000 };

struct worker {
	pthread_t thread;
	mempool_t *pool;
	unsigned done;
};

static int inside_now;

static void *hand_over(void *data)
{
	struct worker *w = data;

	for (; w->done < HAND_OFFS; w->done++) {
		void *p = mempool_alloc(w->pool, GFP_KERNEL);

		if (__atomic_add_fetch(&inside_now, 1, __ATOMIC_RELAXED) != 1)
			abort();
		__atomic_sub_fetch(&inside_now, 1, __ATOMIC_RELAXED);
		mempool_free(p, w->pool);
	}
	return NULL;
}

static void one_element_goes_round_a_crowd_without_a_stall(void)
{
	mempool_t *pool = scarce_pool(1);
	struct worker workers[CROWD] = { 0 };

	/* A lost wake-up would sleep until the alarm. */
	mempool_set_wait(pool, 3600000);
	alarm(300);
	for (int i = 0; i < CROWD; i++) {
		workers[i].pool = pool;
		workers[i].thread = start_thread(hand_over, &workers[i]);
	}
	for (int i = 0; i < CROWD; i++)
		join_thread(workers[i].thread);
	alarm(0);
	end_of(pool);
}

/* --- fairness --- */

enum { FAIR_ROUNDS = 50 };

static mempool_t *fair_pool;
static uintptr_t turns[CROWD * FAIR_ROUNDS];
static unsigned turn;

static unsigned in_line(const mempool_t *pool)
{
	struct mempool_inside *in = pool->inside;
	unsigned count = 0;

	lock_take(&in->pool.lock);
	list_for_each_safe(struct waiter, w, &in->reserve.queue, link)
		count++;
	lock_release(&in->pool.lock);
	return count;
}

/* Who has the element holds it until all others, but for who left, wait. */
static void *take_turns(void *number)
{
	for (int i = 0; i < FAIR_ROUNDS; i++) {
		void *element = mempool_alloc(fair_pool, GFP_KERNEL);
		unsigned others = CROWD - 1;

		if (turn >= CROWD * (FAIR_ROUNDS - 1))
			others = CROWD * FAIR_ROUNDS - 1 - turn;
		turns[turn++] = (uintptr_t)number;
		while (in_line(fair_pool) < others)
			sched_yield();
		mempool_free(element, fair_pool);
	}
	return NULL;
}

static void in_a_crowd_each_has_its_turn_before_any_has_another(void)
{
	pthread_t threads[CROWD];

	fair_pool = scarce_pool(1);
	for (uintptr_t i = 0; i < CROWD; i++)
		threads[i] = start_thread(take_turns, (void *)i);
	join_threads(threads, CROWD);
	for (size_t i = CROWD; i < COUNT_OF(turns); i++)
		assert_int_equal(turns[i], turns[i - CROWD]);
	end_of(fair_pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(destruction_sends_waiters_away),
		APART(destruction_waits_for_who_is_in_the_source),
		APART(a_child_finds_the_pool_usable_and_nobody_waiting),
		APART(forks_in_a_crowd_leave_no_lock_behind),
		APART(one_element_goes_round_a_crowd_without_a_stall),
		APART(in_a_crowd_each_has_its_turn_before_any_has_another),
	};

	return cmocka_run_group_tests_name("mempool_crowd", tests, NULL, NULL);
}
