/* SPDX-License-Identifier: MIT */
/*
 * test_fixed_threads.c - pools of one size, and threads that share them.
 */
#include "unit/apart.h"

#include <sched.h>

#include "mempool/local.h"
#include "unit/fixeds.h"
#include "unit/threads.h"

enum { THREADS = 4, ROUNDS = 300, BATCH = 400, SHORT_THREADS = 10000 };

static mempool_fixed_t *pool;

/* Objects carry their owner's number; a pool that gives one twice mixes it. */
static void *use_in_batches(void *number)
{
	void **mine[BATCH];

	for (int round = 0; round < ROUNDS; round++) {
		int n = 1 + (round * 37 + (int)(intptr_t)number) % BATCH;

		for (int i = 0; i < n; i++) {
			mine[i] = mempool_fixed_alloc(pool);
			assert_non_null(mine[i]);
			*mine[i] = number;
		}
		for (int i = 0; i < n; i++) {
			assert_ptr_equal(*mine[i], number);
			*mine[i] = NULL;
			mempool_fixed_free(pool, mine[i]);
		}
		if (round % 50 == 0)
			mempool_fixed_trim(pool);
		if (round % 70 == 0)
			mempool_fixed_check(pool);
	}
	return NULL;
}

static void start_numbered(pthread_t *threads)
{
	for (intptr_t i = 0; i < THREADS; i++)
		threads[i] = start_thread(use_in_batches, (void *)(i + 1));
}

static void threads_never_get_the_same_object(void)
{
	pthread_t threads[THREADS];

	for (size_t f = 0; f < FORMS_SHARED; f++) {
		pool = make(64, forms[f], 0);
		start_numbered(threads);
		for (int i = 0; i < 100; i++)
			stats_of(pool);
		join_threads(threads, THREADS);
		mempool_fixed_check(pool);
		assert_int_equal(stats_of(pool).live, 0);
		mempool_fixed_trim(pool);
		assert_int_equal(stats_of(pool).stock, 0);
		mempool_fixed_destroy(pool);
	}
}

/* --- from one thread to another --- */

enum { RING = 1024, HANDED = 2000000 };

static void *ring[RING];
static size_t produced, consumed;

static void *produce(void *unused)
{
	(void)unused;
	for (size_t i = 0; i < HANDED; i++) {
		while (i - __atomic_load_n(&consumed, __ATOMIC_ACQUIRE) == RING)
			sched_yield();
		ring[i % RING] = mempool_fixed_alloc(pool);
		assert_non_null(ring[i % RING]);
		*(size_t *)ring[i % RING] = i;
		__atomic_store_n(&produced, i + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void *consume(void *unused)
{
	(void)unused;
	for (size_t i = 0; i < HANDED; i++) {
		while (__atomic_load_n(&produced, __ATOMIC_ACQUIRE) == i)
			sched_yield();
		assert_true(*(size_t *)ring[i % RING] == i);
		mempool_fixed_free(pool, ring[i % RING]);
		__atomic_store_n(&consumed, i + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void what_one_allocates_and_another_frees_stays_flat(void)
{
	for (size_t f = 0; f < FORMS_SHARED; f++) {
		pthread_t threads[2];

		pool = make(64, forms[f], 0);
		produced = consumed = 0;
		threads[0] = start_thread(produce, NULL);
		threads[1] = start_thread(consume, NULL);
		join_threads(threads, 2);
		assert_int_equal(stats_of(pool).live, 0);
		/* The ring, the stacks of both and the depot, twice. */
		assert_true(stats_of(pool).held_bytes < 2 << 20);
		mempool_fixed_check(pool);
		mempool_fixed_destroy(pool);
	}
}

/* --- threads that end --- */

static void *use_a_little(void *leave_one)
{
	void *mine[10];

	for (int i = 0; i < 10; i++)
		mine[i] = mempool_fixed_alloc(pool);
	for (int i = 0; i < (leave_one ? 9 : 10); i++)
		mempool_fixed_free(pool, mine[i]);
	return mine[9];
}

static void short_threads_leave_nothing(void)
{
	uint64_t held = 0;

	pool = make(64, MEMPOOL_THREAD_LOCAL, 0);
	for (int i = 0; i < SHORT_THREADS; i++) {

		run_thread(use_a_little, NULL);
		if (i == 10)
			held = stats_of(pool).held_bytes;
	}
	assert_int_equal(stats_of(pool).held_bytes, held);
	end_of(pool);
}

static void what_a_thread_had_in_use_is_freed_by_another(void)
{
	void *p;
	pthread_t thread;

	pool = make(64, MEMPOOL_THREAD_LOCAL, 0);
	thread = start_thread(use_a_little, &pool);
	pthread_join(thread, &p);
	assert_int_equal(stats_of(pool).live, 1);
	mempool_fixed_free(pool, p);
	assert_int_equal(stats_of(pool).live, 0);
	mempool_fixed_destroy(pool);
}

static pthread_key_t late;

static void use_late(void *again)
{
	if (again) {
		/* Its stack is gone by the next round of destructors. */
		pthread_setspecific(late, NULL);
		use_a_little(NULL);
	}
}

static void *end_late(void *unused)
{
	(void)unused;
	use_a_little(NULL);
	pthread_setspecific(late, &late);
	return NULL;
}

static void a_thread_that_is_ending_may_use_a_pool(void)
{

	pool = make(64, MEMPOOL_THREAD_LOCAL, 0);
	pthread_key_create(&late, use_late);
	run_thread(end_late, NULL);
	end_of(pool);
}

/* --- limits --- */

static pthread_barrier_t barrier;

static void *hoard(void *unused)
{
	void *one = mempool_fixed_alloc(pool);

	(void)unused;
	mempool_fixed_free(pool, one);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void in_a_locked_pool_every_free_object_can_be_had(void)
{
	pthread_t threads[THREADS];
	size_t n = 0, all = 0;

	pool = make(64, MEMPOOL_LOCKED, 64 << 10);
	while (mempool_fixed_alloc(pool))
		all++;
	mempool_fixed_destroy(pool);
	pool = make(64, MEMPOOL_LOCKED, 64 << 10);
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	start_threads(threads, THREADS, hoard, NULL);
	pthread_barrier_wait(&barrier);
	while (mempool_fixed_alloc(pool))
		n++;
	assert_int_equal(n, all);
	pthread_barrier_wait(&barrier);
	join_threads(threads, THREADS);
	mempool_fixed_destroy(pool);
}

static void more_pools_than_slots_work_as_locked_ones(void)
{
	struct mempool_options o = { .threading = MEMPOOL_THREAD_LOCAL };
	mempool_fixed_t *pools[MEMPOOL_LOCAL_SLOTS + 5];
	pthread_t threads[THREADS];

	for (size_t i = 0; i < COUNT_OF(pools); i++) {
		pools[i] = mempool_fixed_create(64, &o);
		assert_non_null(pools[i]);
		mempool_fixed_free(pools[i], mempool_fixed_alloc(pools[i]));
	}
	pool = pools[MEMPOOL_LOCAL_SLOTS + 3];
	start_numbered(threads);
	join_threads(threads, THREADS);
	mempool_fixed_check(pool);
	assert_int_equal(stats_of(pool).live, 0);
	for (size_t i = 0; i < COUNT_OF(pools); i++)
		mempool_fixed_destroy(pools[i]);
}

/* --- fork --- */

static bool stop;

static void *use_until_stopped(void *number)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		use_a_little(NULL);
	return number;
}

static void in_a_child_the_pool_works_on(void)
{
	for (size_t f = 0; f < FORMS_SHARED; f++) {
		pthread_t threads[THREADS];
		void *before;

		pool = make(64, forms[f], 0);
		before = mempool_fixed_alloc(pool);
		__atomic_store_n(&stop, false, __ATOMIC_RELAXED);
		start_threads(threads, THREADS, use_until_stopped, NULL);
		for (int i = 0; i < 50; i++) {
			pid_t child = fork();

			if (!child) {
				alarm(60);
				mempool_fixed_free(pool, before);
				for (int n = 0; n < 1000; n++)
					if (!mempool_fixed_alloc(pool))
						_exit(1);
				mempool_fixed_check(pool);
				mempool_fixed_trim(pool);
				mempool_fixed_destroy(pool);
				_exit(0);
			}
			assert_child_succeeds(child);
		}
		__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
		join_threads(threads, THREADS);
		assert_int_equal(stats_of(pool).live, 1);
		mempool_fixed_destroy(pool);
	}
}

static void pools_die_while_threads_that_used_them_live(void)
{
	pool = make(64, MEMPOOL_THREAD_LOCAL, 0);
	for (int i = 0; i < 50; i++) {
		mempool_fixed_t *old = pool;
		pthread_t threads[THREADS];

		pthread_barrier_init(&barrier, NULL, THREADS + 1);
		start_threads(threads, THREADS, hoard, NULL);
		pthread_barrier_wait(&barrier);
		pool = make(64, MEMPOOL_THREAD_LOCAL, 0);
		/* They end while it is destroyed. */
		pthread_barrier_wait(&barrier);
		mempool_fixed_destroy(old);
		join_threads(threads, THREADS);
	}
	mempool_fixed_destroy(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(threads_never_get_the_same_object),
		APART(what_one_allocates_and_another_frees_stays_flat),
		APART(short_threads_leave_nothing),
		APART(what_a_thread_had_in_use_is_freed_by_another),
		APART(a_thread_that_is_ending_may_use_a_pool),
		APART(in_a_locked_pool_every_free_object_can_be_had),
		APART(more_pools_than_slots_work_as_locked_ones),
		APART(in_a_child_the_pool_works_on),
		APART(pools_die_while_threads_that_used_them_live),
	};

	return cmocka_run_group_tests_name("fixed_threads", tests, NULL, NULL);
}
