/* SPDX-License-Identifier: MIT */
/*
 * test_fixed.c - pools of objects of one size.
 */
#include "unit/apart.h"

#include "unit/chance.h"
#include "unit/errors.h"
#include "unit/fixeds.h"

/* --- creation --- */

static void bad_arguments_are_refused(void)
{
	static const struct mempool_options bad[] = {
		{ .align = 24 },
		{ .align = 3 },
		{ .align = 4 << 20 },
		{ .align = (size_t)1 << 63 },
		{ .threading = (enum mempool_threading)3 },
		{ .threading = (enum mempool_threading) - 1 },
		{ .initial = 8192, .limit = 4096 },
		{ .initial = (size_t)-1 },
	};

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_refused(mempool_fixed_create(64, &bad[i]), EINVAL);
	assert_refused(mempool_fixed_create(0, NULL), EINVAL);
	assert_refused(mempool_fixed_create((size_t)-1, NULL), EINVAL);
	assert_refused(mempool_fixed_create((size_t)PTRDIFF_MAX + 1, NULL),
		       EINVAL);
}

static void what_cannot_be_had_is_enomem(void)
{
	struct mempool_options o = { .initial = (size_t)1 << 50 };

	assert_refused(mempool_fixed_create(PTRDIFF_MAX, NULL), ENOMEM);
	assert_refused(mempool_fixed_create(64, &o), ENOMEM);
}

static void null_and_nothing_to_do_are_no_harm(void)
{
	mempool_fixed_t *pool = mempool_fixed_create(64, NULL);

	errno = 4711;
	mempool_fixed_free(pool, NULL);
	mempool_fixed_stats(pool, NULL);
	assert_false(mempool_fixed_owns(pool, NULL));
	assert_int_equal(mempool_fixed_trim(pool), 0);
	assert_int_equal(errno, 4711);
	mempool_fixed_destroy(pool);
}

static void a_pool_that_is_null_has_nothing(void)
{
	struct mempool_stats s, zeros = { 0 };

	mempool_fixed_destroy(NULL);
	mempool_fixed_check(NULL);
	mempool_fixed_free(NULL, NULL);
	assert_int_equal(mempool_fixed_trim(NULL), 0);
	assert_false(mempool_fixed_owns(NULL, &s));
	assert_refused(mempool_fixed_alloc(NULL), EINVAL);
	assert_refused(mempool_fixed_zalloc(NULL), EINVAL);
	memset(&s, 0xff, sizeof(s));
	mempool_fixed_stats(NULL, &s);
	assert_memory_equal(&s, &zeros, sizeof(s));
	mempool_fixed_stats(NULL, NULL);
}

/* --- what objects are --- */

static void check_shape(size_t size, size_t align, enum mempool_threading form)
{
	struct mempool_options o = { .align = align, .threading = form };
	mempool_fixed_t *pool = mempool_fixed_create(size, &o);
	size_t n = size > 4096 ? 20 : 3000, default_align = size > 8 ? 16 : 8;
	char *last = NULL;

	assert_non_null(pool);
	assert_int_equal(take(pool, n), n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal((uintptr_t)objects[i] %
					 (align ? align : default_align),
				 0);
		assert_true(mempool_fixed_owns(pool, objects[i]));
		assert_false(mempool_fixed_owns(pool, (char *)objects[i] + 1));
		memset(objects[i], (int)i, size);
	}
	for (size_t i = 0; i < n; i++) {
		assert_true(*(unsigned char *)objects[i] == (i & 255));
		last = (char *)objects[i] + size - 1;
		assert_true(*(unsigned char *)last == (i & 255));
	}
	mempool_fixed_check(pool);
	assert_int_equal(stats_of(pool).live, n);
	give(pool, n);
	end_of(pool);
}

static void objects_of_all_sizes_are_apart_and_aligned(void)
{
	static const size_t sizes[] = { 1,     7,      8,      9,      16,
					24,    63,     64,     100,    512,
					1000,  4096,   5000,   9999,   32768,
					40000, 100000, 300000, 5000000 };

	for (size_t f = 0; f < FORMS; f++) {
		for (size_t i = 0; i < COUNT_OF(sizes); i++)
			check_shape(sizes[i], 0, forms[f]);
		for (size_t align = 1; align <= 2 << 20; align *= 2)
			check_shape(align > 4096 ? 17 : 48, align, forms[f]);
	}
}

static void zalloc_clears_the_whole_object(void)
{
	static const char zeros[200];

	for (size_t f = 0; f < FORMS; f++) {
		mempool_fixed_t *pool = make(200, forms[f], 0);

		take(pool, 500);
		for (size_t i = 0; i < 500; i++)
			memset(objects[i], 0xff, 200);
		give(pool, 500);
		for (size_t i = 0; i < 500; i++) {
			void *p = mempool_fixed_zalloc(pool);

			assert_memory_equal(p, zeros, 200);
		}
		mempool_fixed_destroy(pool);
	}
}

/* Each object holds its index; whoever overlaps breaks one. */
static void model(enum mempool_threading form, size_t size)
{
	mempool_fixed_t *pool = make(size, form, 0);
	uint64_t random = 1;
	size_t live = 0;

	for (unsigned step = 0; step < 200000; step++) {
		/* Waves, so that blocks fill and empty. */
		bool grows = below(&random, 100) < (step / 20000 % 2 ? 30 : 70);

		if (grows && live < FIXEDS_MOST) {
			objects[live] = mempool_fixed_alloc(pool);
			assert_non_null(objects[live]);
			memset(objects[live],
			       (int)((uintptr_t)objects[live] >> 4), size);
			live++;
		} else if (live) {
			size_t i = below(&random, live);
			unsigned char *p = objects[i];
			unsigned char mark = (unsigned char)((uintptr_t)p >> 4);

			for (size_t at = 0; at < size; at += 7)
				assert_true(p[at] == mark);
			memset(p, ~mark, size);
			mempool_fixed_free(pool, p);
			objects[i] = objects[--live];
		}
		if (step % 5000 == 0) {
			mempool_fixed_check(pool);
			assert_int_equal(stats_of(pool).live, live);
		}
		if (step % 7777 == 0)
			mempool_fixed_trim(pool);
	}
	give(pool, live);
	mempool_fixed_trim(pool);
	end_of(pool);
}

static void random_calls_never_overlap(void)
{
	for (size_t f = 0; f < FORMS; f++) {
		model(forms[f], 24);
		model(forms[f], 64);
		model(forms[f], 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(bad_arguments_are_refused),
		APART(what_cannot_be_had_is_enomem),
		APART(null_and_nothing_to_do_are_no_harm),
		APART(a_pool_that_is_null_has_nothing),
		APART(objects_of_all_sizes_are_apart_and_aligned),
		APART(zalloc_clears_the_whole_object),
		APART(random_calls_never_overlap),
	};

	return cmocka_run_group_tests_name("fixed", tests, NULL, NULL);
}
