/*
 * test_fixed_bulk.c - several objects of one size at once.
 */
#include "unit/apart.h"

#include <pthread.h>

#include "base/inject.h"
#include "mempool/fixed.h"
#include "pool/debug.h"
#include "pool/fixed_center.h"

enum { MANY = 20000, SIZE = 64, THREADS = 4, ROUNDS = 300 };

static const enum mempool_threading forms[] = { MEMPOOL_LOCKED, MEMPOOL_SINGLE,
						MEMPOOL_THREAD_LOCAL };

static void *objects[MANY];

static mempool_fixed_t *make(size_t size, enum mempool_threading form,
			     size_t limit)
{
	struct mempool_options o = { .name = "test",
				     .threading = form,
				     .limit = limit };
	mempool_fixed_t *pool = mempool_fixed_create(size, &o);

	assert_non_null(pool);
	return pool;
}

static struct mempool_stats stats_of(mempool_fixed_t *pool)
{
	struct mempool_stats s;

	mempool_fixed_stats(pool, &s);
	return s;
}

static void take(mempool_fixed_t *pool, void **into, size_t n)
{
	assert_int_equal(mempool_fixed_alloc_bulk(pool, into, n), 0);
}

/* How many there are when one asks one by one; they are free again. */
static size_t count_all(mempool_fixed_t *pool)
{
	size_t n = 0;

	while (n < MANY && (objects[n] = mempool_fixed_alloc(pool)))
		n++;
	assert_true(n < MANY);
	for (size_t i = 0; i < n; i++)
		mempool_fixed_free(pool, objects[i]);
	return n;
}

static uint64_t random_state = 88172645463325252u;

static size_t below(size_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t)(random_state % limit);
}

/* --- what a batch is --- */

static void check_batch(mempool_fixed_t *pool, size_t size, size_t n)
{
	objects[n] = &random_state;
	take(pool, objects, n);
	assert_ptr_equal(objects[n], &random_state);
	for (size_t i = 0; i < n; i++) {
		assert_true(mempool_fixed_owns(pool, objects[i]));
		*(size_t *)objects[i] = i;
		((char *)objects[i])[size - 1] = (char)i;
	}
	for (size_t i = 0; i < n; i++)
		assert_true((*(size_t *)objects[i] & 0xff) == (i & 0xff));
	assert_int_equal(stats_of(pool).live, n);
	mempool_fixed_free_bulk(pool, objects, n);
	assert_int_equal(stats_of(pool).live, 0);
	mempool_fixed_check(pool);
}

static void batches_of_all_lengths_are_distinct_objects(void)
{
	static const size_t lengths[] = { 1,   2,   7,	  32,	510, 511,
					  512, 513, 1022, 4096, 9999 };

	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		mempool_fixed_t *pool = make(SIZE, forms[f], 0);

		for (size_t i = 0; i < COUNT_OF(lengths); i++)
			check_batch(pool, SIZE, lengths[i]);
		for (size_t i = COUNT_OF(lengths); i-- > 0;)
			check_batch(pool, SIZE, lengths[i]);
		mempool_fixed_destroy(pool);
	}
}

static void batches_of_large_objects_need_no_stacks(void)
{
	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		mempool_fixed_t *pool = make(100000, forms[f], 0);

		check_batch(pool, 100000, 1);
		check_batch(pool, 100000, 40);
		mempool_fixed_destroy(pool);
	}
}

/* Of two pools with the same past, one is asked for batches. */
static void a_batch_is_like_single_calls_in_a_row(void)
{
	static void *batch[600], *single[600];

	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		mempool_fixed_t *pool = make(SIZE, forms[f], 0);
		mempool_fixed_t *other = make(SIZE, forms[f], 0);

		for (size_t n = 600; n > 0; n -= n / 3 + 1) {
			take(pool, batch, n);
			for (size_t i = 0; i < n; i++) {
				single[i] = mempool_fixed_alloc(other);
				assert_int_equal(
					(char *)batch[i] - (char *)batch[0],
					(char *)single[i] - (char *)single[0]);
			}
			mempool_fixed_free_bulk(pool, batch, n);
			for (size_t i = 0; i < n; i++)
				mempool_fixed_free(other, single[i]);
		}
		mempool_fixed_destroy(pool);
		mempool_fixed_destroy(other);
	}
}

static void empty_slots_are_passed_over(void)
{
	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		mempool_fixed_t *pool = make(SIZE, forms[f], 0);
		void *mixed[7] = { NULL };

		mempool_fixed_free_bulk(pool, mixed, 7);
		take(pool, mixed + 1, 2);
		take(pool, mixed + 5, 1);
		mempool_fixed_free_bulk(pool, mixed, 7);
		assert_non_null(mixed[1]);
		assert_int_equal(stats_of(pool).live, 0);
		mempool_fixed_check(pool);
		mempool_fixed_destroy(pool);
	}
}

/* Each object holds its address; whoever overlaps breaks one. */
static void model(enum mempool_threading form, size_t size)
{
	mempool_fixed_t *pool = make(size, form, 0);
	size_t live = 0;

	for (unsigned step = 0; step < 3000; step++) {
		size_t n = below(step % 10 ? 64 : 2000);
		bool grows = below(100) < (step / 300 % 2 ? 30 : 70);

		if (grows && live + n <= MANY) {
			take(pool, objects + live, n);
			for (size_t i = live; i < live + n; i++)
				*(void **)objects[i] = objects[i];
			live += n;
		} else if (!grows && n <= live) {
			/* From the middle, so that order is lost. */
			size_t at = below(live - n + 1);

			for (size_t i = at; i < at + n; i++) {
				assert_ptr_equal(*(void **)objects[i],
						 objects[i]);
				*(void **)objects[i] = NULL;
			}
			mempool_fixed_free_bulk(pool, objects + at, n);
			live -= n;
			memmove(objects + at, objects + at + n,
				(live - at) * sizeof(*objects));
		}
		if (step % 100 == 0) {
			mempool_fixed_check(pool);
			assert_int_equal(stats_of(pool).live, live);
		}
		if (step % 333 == 0)
			mempool_fixed_trim(pool);
	}
	mempool_fixed_free_bulk(pool, objects, live);
	mempool_fixed_trim(pool);
	mempool_fixed_check(pool);
	assert_int_equal(stats_of(pool).live, 0);
	assert_int_equal(stats_of(pool).stock, 0);
	mempool_fixed_destroy(pool);
}

static void random_batches_never_overlap(void)
{
	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		model(forms[f], 24);
		model(forms[f], 1000);
	}
}

/* --- bad arguments --- */

static void expect_einval(mempool_fixed_t *pool, void **into, size_t n)
{
	errno = 0;
	assert_int_equal(mempool_fixed_alloc_bulk(pool, into, n), -EINVAL);
	assert_int_equal(errno, EINVAL);
}

static void bad_arguments_are_refused_and_change_nothing(void)
{
	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		mempool_fixed_t *pool = make(SIZE, forms[f], 0);

		/* Once without stacks, once with. */
		for (int i = 0; i < 2; i++) {
			objects[0] = &pool;
			expect_einval(NULL, objects, 1);
			expect_einval(NULL, NULL, 0);
			expect_einval(pool, NULL, 1);
			expect_einval(pool, objects, (size_t)-1);
			expect_einval(pool, objects, PTRDIFF_MAX / 8 + 1);
			assert_ptr_equal(objects[0], &pool);
			assert_int_equal(stats_of(pool).live, 0);
			assert_int_equal(stats_of(pool).failures, 0);
			check_batch(pool, SIZE, 8);
		}
		mempool_fixed_destroy(pool);
	}
}

static void a_batch_of_nothing_is_no_harm(void)
{
	errno = 4711;
	mempool_fixed_free_bulk(NULL, NULL, 0);
	mempool_fixed_free_bulk(NULL, (void *[3]){ NULL }, 3);
	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		mempool_fixed_t *pool = make(SIZE, forms[f], 0);

		for (int i = 0; i < 2; i++) {
			objects[0] = &pool;
			take(pool, NULL, 0);
			take(pool, objects, 0);
			mempool_fixed_free_bulk(pool, NULL, 0);
			mempool_fixed_free_bulk(pool, objects, 0);
			assert_ptr_equal(objects[0], &pool);
			check_batch(pool, SIZE, 8);
		}
		mempool_fixed_destroy(pool);
	}
	assert_int_equal(errno, 4711);
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

		take(pool, objects, n);
		expect_enomem(pool, objects + n, rest + 1);
		take(pool, objects + n, rest);
		/* Half lies in stacks when the next round begins. */
		mempool_fixed_free_bulk(pool, objects, n / 2);
		mempool_fixed_free_bulk(pool, objects + n / 2, all - n / 2);
	}
	assert_int_equal(count_all(pool), all);
	assert_int_equal(stats_of(pool).live, 0);
}

static void what_cannot_be_given_whole_is_not_given(void)
{
	for (size_t f = 0; f < COUNT_OF(forms); f++) {
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
	batches_of_all_lengths_are_distinct_objects();
	empty_slots_are_passed_over();
}

static void what_was_not_given_is_no_peak(void)
{
	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		mempool_fixed_t *pool = make(SIZE, forms[f], 256 << 10);

		take(pool, objects, 10);
		expect_enomem(pool, objects + 10, MANY - 10);
		mempool_fixed_destroy(pool);
	}
}

/* Every call to the system fails in turn, that for stacks included. */
static void nothing_is_lost_when_the_source_fails(void)
{
	for (size_t f = 0; f < COUNT_OF(forms); f++) {
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

static void run(void *(*body)(void *), int n)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < n; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, body,
						(void *)(intptr_t)(i + 1)),
				 0);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

/* Who finds a shard held moves on to the next one, and stays there. */
static void a_locked_batch_finds_what_lies_in_other_stacks(void)
{
	mempool_fixed_t *pool = make(SIZE, MEMPOOL_LOCKED, 256 << 10);
	struct center *c = (struct center *)pool;
	size_t all = count_all(pool);

	/* As long as one that memory is short for need not take all locks. */
	for (unsigned i = 0; i < SHARDS / 2; i++) {
		shard_lock(&c->shards[i]);
		take(pool, objects, 100);
		mempool_fixed_free_bulk(pool, objects, 100);
		shard_unlock(&c->shards[i]);
	}
	take(pool, objects, all);
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
	run(want_all, THREADS);
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

		take(shared, mine, n);
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
	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		if (forms[f] == MEMPOOL_SINGLE)
			continue;
		shared = make(SIZE, forms[f], 0);
		run(use_in_batches, THREADS);
		assert_int_equal(stats_of(shared).live, 0);
		mempool_fixed_trim(shared);
		assert_int_equal(stats_of(shared).stock, 0);
		mempool_fixed_destroy(shared);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(batches_of_all_lengths_are_distinct_objects),
		APART(batches_of_large_objects_need_no_stacks),
		APART(a_batch_is_like_single_calls_in_a_row),
		APART(empty_slots_are_passed_over),
		APART(random_batches_never_overlap),
		APART(bad_arguments_are_refused_and_change_nothing),
		APART(a_batch_of_nothing_is_no_harm),
		APART(what_cannot_be_given_whole_is_not_given),
		APART(what_was_not_given_is_no_peak),
		APART(watched_pools_give_all_or_nothing_too),
		APART(nothing_is_lost_when_the_source_fails),
		APART(a_locked_batch_finds_what_lies_in_other_stacks),
		APART(of_several_who_want_all_one_gets_it),
		APART(threads_never_get_the_same_object),
	};

	return cmocka_run_group_tests_name("fixed bulk", tests, NULL, NULL);
}
