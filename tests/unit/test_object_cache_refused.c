/* SPDX-License-Identifier: MIT */
/*
 * test_object_cache_refused.c - what object caches refuse, and leave alone.
 */
#include "unit/apart.h"

#include "unit/caches.h"
#include "unit/errors.h"

static int visit_nothing(void *object, void *arg)
{
	(void)object, (void)arg;
	return 0;
}

static void null_means_nothing_to_do_or_einval(void)
{
	mempool_cache_t *c = cache_of(MEMPOOL_LOCKED);
	struct mempool_stats s;

	mempool_cache_put(c, NULL);
	mempool_cache_put(NULL, NULL);
	mempool_cache_destroy(NULL);
	mempool_cache_check(NULL);
	assert_int_equal(mempool_cache_trim(NULL), 0);
	assert_refused(mempool_cache_get(NULL, 0), EINVAL);
	assert_null(mempool_cache_get_until(NULL, NULL));
	assert_int_equal(mempool_cache_stats(NULL, &s), -EINVAL);
	assert_int_equal(mempool_cache_stats(c, NULL), -EINVAL);
	assert_int_equal(mempool_cache_walk(NULL, visit_nothing, NULL),
			 -EINVAL);
	assert_int_equal(mempool_cache_walk(c, NULL, NULL), -EINVAL);
	mempool_cache_destroy(c);
}

static void bad_options_are_refused(void)
{
	static const struct mempool_cache_options bad[] = {
		{ .base = { .align = 24 } },
		{ .base = { .align = 8 << 20 } },
		{ .base = { .threading = (enum mempool_threading)3 } },
		{ .exhaustion = (enum mempool_exhaustion)3 },
		{ .most = 2, .ahead = 3 },
		{ .exhaustion = MEMPOOL_FAIL },
		{ .exhaustion = MEMPOOL_BLOCK },
		{ .exhaustion = MEMPOOL_BLOCK,
		  .ahead = 1,
		  .base = { .threading = MEMPOOL_SINGLE } },
	};

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_refused(mempool_cache_create(64, &bad[i]), EINVAL);
	}
	assert_refused(mempool_cache_create(0, NULL), EINVAL);
	for (int shift = 0; shift < 4; shift++) {
		struct mempool_cache_options o = { .ahead = 1 };

		assert_refused(mempool_cache_create(SIZE_MAX >> shift, &o),
			       ENOMEM);
	}
}

static void an_initial_beyond_all_memory_is_refused_at_once(void)
{
	struct mempool_cache_options o = { .base.initial = SIZE_MAX };

	alarm(60);
	assert_refused(mempool_cache_create(64, &o), ENOMEM);
	o.base.initial = SIZE_MAX / 8;
	assert_null(mempool_cache_create(64, &o));
	alarm(0);
}

static void flags_that_make_no_sense_here_are_refused(void)
{
	static const gfp_t bad[] = { MEMPOOL_ZERO,
				     MEMPOOL_ZERO | MEMPOOL_NOWAIT,
				     MEMPOOL_RESERVE_ONLY, MEMPOOL_NO_RESERVE,
				     1u << 31 };
	struct timespec wrong = { 0, 1000000000 };

	for (int t = 0; t < 3; t++) {
		mempool_cache_t *c = cache_of(t);

		get_and_put(c);
		for (size_t i = 0; i < COUNT_OF(bad); i++) {
			assert_refused(mempool_cache_get(c, bad[i]), EINVAL);
		}
		assert_refused(mempool_cache_get_until(c, &wrong), EINVAL);
		mempool_cache_destroy(c);
	}
}

static void errno_is_left_alone_by_what_succeeds(void)
{
	mempool_cache_t *c;
	void *p;

	errno = 4711;
	c = cache_of(MEMPOOL_THREAD_LOCAL);
	p = mempool_cache_get(c, 0);
	mempool_cache_put(c, p);
	mempool_cache_trim(c);
	mempool_cache_check(c);
	mempool_cache_destroy(c);
	assert_int_equal(errno, 4711);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(null_means_nothing_to_do_or_einval),
		APART(bad_options_are_refused),
		APART(an_initial_beyond_all_memory_is_refused_at_once),
		APART(flags_that_make_no_sense_here_are_refused),
		APART(errno_is_left_alone_by_what_succeeds),
	};

	return cmocka_run_group_tests_name("object cache, refused", tests, NULL,
					   NULL);
}
