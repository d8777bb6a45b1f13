/* SPDX-License-Identifier: MIT */
/*
 * test_fixed_bulk_short.c - batches of objects when memory is short, or wanted
 * by several threads: all or nothing.
 */
#include "unit/apart.h"

#include "base/inject.h"
#include "pool/debug.h"
#include "pool/fixed_center.h"
#include "unit/fixeds.h"
#include "unit/threads.h"

enum { MANY = FIXEDS_MOST, SIZE = 64, THREADS = 4, ROUNDS = 300 };

/* How many there are when one asks one by one; they are free again. */
static size_t count_all(mempool_fixed_t *pool)
{
	size_t n = take(pool, MANY);

	assert_true(n < MANY);
	give(pool, n);
	return n;
}

/* --- memory is out --- */

static void expect_enomem(mempool_fixed_t *pool, void **into, size_t n)
{
	uint64_t failures = stats_of(pool).failures;
	uint64_t live = stats_of(pool).live, peak = stats_of(pool).peak_bytes;

	memset(into, 0xff, n * sizeof(*into));
	errno = 0;
	assert_int_equal(mempool_fixed_alloc_bulk(pool, into, n), -ENOMEM);
	assert_int_equal(errno, ENOMEM);
	for (size_t i = 0; i < n; i++)
		assert_null(into[i]);
	assert_int_equal(stats_of(pool).failures, failures + 1);
	assert_int_equal(stats_of(pool).live, live);
	assert_int_equal(stats_of(pool).peak_bytes, peak);
	mempool_fixed_check(pool);
}

/* The last one is to be had, in whichever stack it lies; one more is not. */
static void all_or_nothing(mempool_fixed_t *pool, size_t all)
{
	for (size_t n = 1; n <= all; n += n < 20 ? 1 : all / 37 + 1) {
		size_t rest = all - n;

		take_bulk(pool, objects, n);
		expect_enomem(pool, objects + n, rest + 1);
		take_bulk(pool, objects + n, rest);
		/* Half lies in stacks when the next round begins. */
		mempool_fixed_free_bulk(pool, objects, n / 2);
		mempool_fixed_free_bulk(pool, objects + n / 2, all - n / 2);
	}
	assert_int_equal(count_all(pool), all);
	assert_int_equal(stats_of(pool).live, 0);
}

static void what_cannot_be_given_whole_is_not_given(void)
{
	for (size_t f = 0; f < FORMS; f++) {
		static const size_t sizes[] = { 64, 5000, 40000 };

		for (size_t i = 0; i < COUNT_OF(sizes); i++) {
			mempool_fixed_t *pool =
				make(sizes[i], forms[f], 256 << 10);

			all_or_nothing(pool, count_all(pool));
			mempool_fixed_destroy(pool);
		}
	}
}

static void watched_pools_give_all_or_nothing_too(void)
{
	debug_flags = DEBUG_POISON | DEBUG_OWNER;
	what_cannot_be_given_whole_is_not_given();
}

static void what_was_not_given_is_no_peak(void)
{
	for (size_t f = 0; f < FORMS; f++) {
		mempool_fixed_t *pool = make(SIZE, forms[f], 256 << 10);

		take_bulk(pool, objects, 10);
		expect_enomem(pool, objects + 10, MANY - 10);
		mempool_fixed_destroy(pool);
	}
}

/* Every call to the system fails in turn, that for stacks included. */
static void nothing_is_lost_when_the_source_fails(void)
{
	for (size_t f = 0; f < FORMS; f++) {
		for (unsigned nth = 1; nth < 12; nth++) {
			mempool_fixed_t *pool = make(SIZE, forms[f], 0);
			size_t n = 100 + 1000 * nth;
			char rule[24];

			snprintf(rule, sizeof(rule), "pages:%u+", nth);
			assert_true(inject_set(rule));
			for (size_t live = 0; live + n <= MANY; live += n) {
				int error = mempool_fixed_alloc_bulk(
					pool, objects + live, n);

				assert_int_equal(stats_of(pool).live,
						 error ? live : live + n);
				if (error)
					assert_int_equal(error, -ENOMEM);
				if (error)
					break;
			}
			inject_set(NULL);
			mempool_fixed_check(pool);
			mempool_fixed_destroy(pool);
		}
	}
}

/* --- threads --- */

static mempool_fixed_t *shared;
static pthread_barrier_t together;
static size_t wanted, winners;

static void run(void *(*body)(void *))
{
	pthread_t threads[THREADS];

	for (intptr_t i = 0; i < THREADS; i++)
		threads[i] = start_thread(body, (void *)(i + 1));
	join_threads(threads, THREADS);
}

/* Who finds a shard held moves on to the next one, and stays there. */
static void a_locked_batch_finds_what_lies_in_other_stacks(void)
{
	mempool_fixed_t *pool = make(SIZE, MEMPOOL_LOCKED, 256 << 10);
	struct center *c = (struct center *)pool;
	size_t all = count_all(pool);

	/*
	 * As long as one that memory is short for need not take all locks.
	 * Of a pool that is watched there are none.
	 */
	for (unsigned i = 0; i < c->shards_used / 2; i++) {
		assert_true(lock_try(&c->shards[i].lock));
		take_bulk(pool, objects, 100);
		mempool_fixed_free_bulk(pool, objects, 100);
		lock_drop(&c->shards[i].lock);
	}
	take_bulk(pool, objects, all);
	assert_int_equal(stats_of(pool).live, all);
	mempool_fixed_free_bulk(pool, objects, all);
	mempool_fixed_destroy(pool);
}

/* All ask at once, and nobody gives back before all have asked. */
static void *want_all(void *unused)
{
	void *mine[MANY / 4];

	(void)unused;
	for (int i = 0; i < ROUNDS; i++) {
		bool won;

		won = !mempool_fixed_alloc_bulk(shared, mine, wanted);
		__atomic_fetch_add(&winners, won, __ATOMIC_RELAXED);
		pthread_barrier_wait(&together);
		if (won)
			mempool_fixed_free_bulk(shared, mine, wanted);
		pthread_barrier_wait(&together);
	}
	return NULL;
}

static void of_several_who_want_all_one_gets_it(void)
{
	size_t all;

	shared = make(SIZE, MEMPOOL_LOCKED, 256 << 10);
	all = count_all(shared);
	wanted = all;
	assert_true(wanted <= MANY / 4);
	pthread_barrier_init(&together, NULL, THREADS);
	run(want_all);
	assert_int_equal(winners, ROUNDS);
	mempool_fixed_check(shared);
	assert_int_equal(count_all(shared), all);
	mempool_fixed_destroy(shared);
}

/* Objects carry their owner's number; a pool that gives one twice mixes it. */
static void *use_in_batches(void *number)
{
	void *mine[1200];

	for (size_t round = 0; round < 400; round++) {
		size_t n = 1 + (round * 37 + (uintptr_t)number) % 1200;

		take_bulk(shared, mine, n);
		for (size_t i = 0; i < n; i++)
			*(void **)mine[i] = number;
		for (size_t i = 0; i < n; i++) {
			assert_ptr_equal(*(void **)mine[i], number);
			*(void **)mine[i] = NULL;
		}
		mempool_fixed_free_bulk(shared, mine, n);
		if (round % 50 == 0)
			mempool_fixed_trim(shared);
		if (round % 70 == 0)
			mempool_fixed_check(shared);
	}
	return NULL;
}

static void threads_never_get_the_same_object(void)
{
	for (size_t f = 0; f < FORMS_SHARED; f++) {
		shared = make(SIZE, forms[f], 0);
		run(use_in_batches);
		assert_int_equal(stats_of(shared).live, 0);
		mempool_fixed_trim(shared);
		assert_int_equal(stats_of(shared).stock, 0);
		mempool_fixed_destroy(shared);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(what_cannot_be_given_whole_is_not_given),
		APART(watched_pools_give_all_or_nothing_too),
		APART(what_was_not_given_is_no_peak),
		APART(nothing_is_lost_when_the_source_fails),
		APART(a_locked_batch_finds_what_lies_in_other_stacks),
		APART(of_several_who_want_all_one_gets_it),
		APART(threads_never_get_the_same_object),
	};

	return cmocka_run_group_tests_name("fixed bulk, memory short", tests,
					   NULL, NULL);
}
