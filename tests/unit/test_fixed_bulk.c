/* SPDX-License-Identifier: MIT */
/*
 * test_fixed_bulk.c - several objects of one size at once.
 */
#include "unit/apart.h"

#include "pool/debug.h"
#include "unit/chance.h"
#include "unit/fixeds.h"

enum { MANY = FIXEDS_MOST, SIZE = 64, ROOM = 12 };

/* --- what a batch is --- */

static void check_batch(mempool_fixed_t *pool, size_t size, size_t n)
{
	objects[n] = &pool;
	take_bulk(pool, objects, n);
	assert_ptr_equal(objects[n], &pool);
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

	for (size_t f = 0; f < FORMS; f++) {
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
	for (size_t f = 0; f < FORMS; f++) {
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

	for (size_t f = 0; f < FORMS; f++) {
		mempool_fixed_t *pool = make(SIZE, forms[f], 0);
		mempool_fixed_t *other = make(SIZE, forms[f], 0);

		for (size_t n = 600; n > 0; n -= n / 3 + 1) {
			take_bulk(pool, batch, n);
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
	for (size_t f = 0; f < FORMS; f++) {
		mempool_fixed_t *pool = make(SIZE, forms[f], 0);
		void *mixed[7] = { NULL };

		mempool_fixed_free_bulk(pool, mixed, 7);
		take_bulk(pool, mixed + 1, 2);
		take_bulk(pool, mixed + 5, 1);
		mempool_fixed_free_bulk(pool, mixed, 7);
		assert_non_null(mixed[1]);
		assert_int_equal(stats_of(pool).live, 0);
		mempool_fixed_check(pool);
		mempool_fixed_destroy(pool);
	}
}

/* `batch` is pushed where there is ROOM; `refused` of it, if any, is bad. */
static void check_push(void **batch, size_t n, size_t refused, bool null)
{
	static void *magazine[16] __attribute__((aligned(128)));
	void **top = magazine + ROOM;
	struct mempool_front f = { .free = top, .mask = sizeof(magazine) - 1 };

	*top = &f;
	for (size_t i = 0; i < n; i++)
		batch[i] = &batch[i];
	if (refused < n && refused < ROOM)
		batch[refused] = null	   ? NULL
				 : refused ? batch[refused - 1]
					   : *top;
	assert_int_equal(mempool_front_push_bulk(&f, batch, n), refused);
	assert_ptr_equal(f.free, top - refused);
	for (size_t i = 0; i < refused; i++)
		assert_ptr_equal(top[-1 - (ssize_t)i], batch[i]);
}

static void a_push_stops_before_what_it_refuses_at_each_place(void)
{
	void *batch[20];

	for (size_t n = 0; n <= ROOM; n++)
		for (size_t refused = 0; refused <= n; refused++) {
			check_push(batch, n, refused, true);
			check_push(batch, n, refused, false);
		}
	for (size_t n = ROOM + 1; n < COUNT_OF(batch); n++)
		check_push(batch, n, ROOM, false);
}

static void watched_pools_take_batches_too(void)
{
	debug_flags = DEBUG_POISON | DEBUG_OWNER;
	batches_of_all_lengths_are_distinct_objects();
	empty_slots_are_passed_over();
}

/* Each object holds its address; whoever overlaps breaks one. */
static void model(enum mempool_threading form, size_t size)
{
	mempool_fixed_t *pool = make(size, form, 0);
	uint64_t random = 88172645463325252u;
	size_t live = 0;

	for (unsigned step = 0; step < 3000; step++) {
		size_t n = below(&random, step % 10 ? 64 : 2000);
		bool grows = below(&random, 100) < (step / 300 % 2 ? 30 : 70);

		if (grows && live + n <= MANY) {
			take_bulk(pool, objects + live, n);
			for (size_t i = live; i < live + n; i++)
				*(void **)objects[i] = objects[i];
			live += n;
		} else if (!grows && n <= live) {
			/* From the middle, so that order is lost. */
			size_t at = below(&random, live - n + 1);

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
	for (size_t f = 0; f < FORMS; f++) {
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
	for (size_t f = 0; f < FORMS; f++) {
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
	for (size_t f = 0; f < FORMS; f++) {
		mempool_fixed_t *pool = make(SIZE, forms[f], 0);

		for (int i = 0; i < 2; i++) {
			objects[0] = &pool;
			take_bulk(pool, NULL, 0);
			take_bulk(pool, objects, 0);
			mempool_fixed_free_bulk(pool, NULL, 0);
			mempool_fixed_free_bulk(pool, objects, 0);
			assert_ptr_equal(objects[0], &pool);
			check_batch(pool, SIZE, 8);
		}
		mempool_fixed_destroy(pool);
	}
	assert_int_equal(errno, 4711);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(batches_of_all_lengths_are_distinct_objects),
		APART(batches_of_large_objects_need_no_stacks),
		APART(a_batch_is_like_single_calls_in_a_row),
		APART(empty_slots_are_passed_over),
		APART(a_push_stops_before_what_it_refuses_at_each_place),
		APART(watched_pools_take_batches_too),
		APART(random_batches_never_overlap),
		APART(bad_arguments_are_refused_and_change_nothing),
		APART(a_batch_of_nothing_is_no_harm),
	};

	return cmocka_run_group_tests_name("fixed bulk", tests, NULL, NULL);
}
