/* SPDX-License-Identifier: MIT */
/*
 * test_object_cache.c - object caches: constructed once, kept, given back.
 */
#include "unit/apart.h"

#include "base/tool.h"
#include "mempool/pages.h"
#include "unit/caches.h"
#include "unit/errors.h"

enum { MANY = 3000 };

/* --- construction --- */

static void an_object_is_constructed_once_however_often_it_is_got(void)
{
	mempool_cache_t *c = cache_of(MEMPOOL_LOCKED);
	void *p;

	for (int i = 0; i < 1000; i++) {
		p = mempool_cache_get(c, 0);
		assert_non_null(p);
		mempool_cache_put(c, p);
	}
	assert_int_equal(made, 1);
	mempool_cache_destroy(c);
	assert_int_equal(made, 1);
	assert_int_equal(unmade, 1);
}

static void a_constructor_runs_for_each_object_that_is_made(void)
{
	for (int t = 0; t < 3; t++) {
		mempool_cache_t *c = cache_of(t);
		void *all[MANY];

		made = unmade = 0;
		for (int i = 0; i < MANY; i++)
			all[i] = mempool_cache_get(c, MEMPOOL_NOWAIT);
		assert_int_equal(made, MANY);
		for (int i = 0; i < MANY; i++) {
			assert_true(is_fit(all[i], NULL));
			mempool_cache_put(c, all[i]);
		}
		get_all(c, all, MANY);
		assert_int_equal(made, MANY);
		mempool_cache_check(c);
		put_all(c, all, MANY);
		mempool_cache_destroy(c);
		assert_int_equal(unmade, MANY);
	}
}

static void the_state_of_an_object_outlives_its_put(void)
{
	for (int t = 0; t < 3; t++) {
		mempool_cache_t *c = cache_of(t);
		struct thing *x = mempool_cache_get(c, 0);

		x->uses = 41;
		memset(x->payload, 7, sizeof x->payload);
		mempool_cache_put(c, x);
		x = mempool_cache_get(c, 0);
		assert_int_equal(x->uses, 41);
		for (size_t i = 0; i < sizeof x->payload; i++)
			assert_int_equal(x->payload[i], 7);
		mempool_cache_put(c, x);
		mempool_cache_destroy(c);
	}
}

static void without_a_constructor_an_object_starts_as_zeros(void)
{
	mempool_cache_t *c = mempool_cache_create(100, NULL);
	char *p = mempool_cache_get(c, 0);

	for (int i = 0; i < 100; i++)
		assert_int_equal(p[i], 0);
	memset(p, 1, 100);
	mempool_cache_put(c, p);
	mempool_cache_trim(c);
	p = mempool_cache_get(c, 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(p[i], 0);
	mempool_cache_destroy(c);
}

static void objects_made_ahead_are_there_at_once(void)
{
	struct mempool_cache_options o = things(MEMPOOL_LOCKED);
	struct mempool_stats s;
	mempool_cache_t *c;

	o.ahead = 100;
	c = cache_with(o);
	assert_int_equal(made, 100);
	assert_int_equal(mempool_cache_stats(c, &s), 0);
	assert_int_equal(s.stock, 100);
	assert_int_equal(s.live, 0);
	for (int i = 0; i < 100; i++)
		assert_non_null(mempool_cache_get(c, 0));
	assert_int_equal(made, 100);
	assert_non_null(mempool_cache_get(c, 0));
	assert_int_equal(made, 101);
	mempool_cache_destroy(c);
	assert_int_equal(unmade, 101);
}

static void a_constructor_that_fails_gives_its_errno_and_loses_nothing(void)
{
	for (int t = 0; t < 3; t++) {
		mempool_cache_t *c = cache_of(t);
		void *p = mempool_cache_get(c, 0);

		fail_construct = -EIO;
		assert_refused(mempool_cache_get(c, 0), EIO);
		fail_construct = EACCES;
		assert_refused(mempool_cache_get(c, 0), EACCES);
		mempool_cache_check(c);
		fail_construct = 0;
		assert_non_null(p);
		assert_int_equal(stats_of(c).live, 1);
		assert_int_equal(stats_of(c).failures, 2);
		assert_int_equal(stats_of(c).stock, 0);
		get_and_put(c);
		mempool_cache_put(c, p);
		end_of(c);
	}
}

static void a_constructor_that_fails_ahead_undoes_the_creation(void)
{
	for (long k = 1; k <= 20; k++) {
		struct mempool_cache_options o = things(MEMPOOL_LOCKED);

		o.ahead = 20;
		made = unmade = 0;
		fail_construct = -EDOM;
		fail_after = k - 1;
		assert_refused(mempool_cache_create(sizeof(struct thing), &o),
			       EDOM);
		assert_int_equal(made, k - 1);
		assert_int_equal(unmade, k - 1);
	}
}

static mempool_cache_t *own;

static int construct_with_one_of_the_same(void *object, void *arg)
{
	static bool inside;
	void *other;

	(void)object;
	if (inside)
		return 0;
	inside = true;
	other = mempool_cache_get(own, 0);
	assert_non_null(other);
	mempool_cache_put(own, other);
	inside = false;
	return arg ? -EINVAL : 0;
}

static void a_callback_may_use_the_cache_it_belongs_to(void)
{
	struct mempool_cache_options o = {
		.construct = construct_with_one_of_the_same
	};
	void *p;

	own = mempool_cache_create(64, &o);
	p = mempool_cache_get(own, 0);
	assert_non_null(p);
	assert_int_equal(stats_of(own).live, 1);
	assert_int_equal(stats_of(own).stock, 1);
	mempool_cache_destroy(own);
}

/* --- exhaustion --- */

static void a_cache_that_fails_has_the_objects_made_ahead_and_no_more(void)
{
	struct mempool_cache_options o = things(MEMPOOL_THREAD_LOCAL);
	mempool_cache_t *c;
	void *p[3];

	o.exhaustion = MEMPOOL_FAIL;
	o.ahead = 3;
	c = cache_with(o);
	get_all(c, p, 3);
	assert_refused(mempool_cache_get(c, 0), ENOMEM);
	assert_int_equal(made, 3);
	mempool_cache_put(c, p[1]);
	assert_ptr_equal(mempool_cache_get(c, 0), p[1]);
	assert_int_equal(stats_of(c).failures, 1);
	mempool_cache_destroy(c);
}

static void a_cache_that_grows_stops_at_most(void)
{
	struct mempool_cache_options o = things(MEMPOOL_LOCKED);
	mempool_cache_t *c;

	o.most = 5;
	o.ahead = 2;
	c = cache_with(o);
	for (int i = 0; i < 5; i++)
		assert_non_null(mempool_cache_get(c, 0));
	assert_int_equal(made, 5);
	assert_refused(mempool_cache_get(c, 0), ENOMEM);
	mempool_cache_check(c);
	mempool_cache_destroy(c);
}

static void an_empty_cache_is_small(void)
{
	mempool_cache_t *c = cache_of(MEMPOOL_LOCKED);

	assert_true(stats_of(c).held_bytes < 1024);
	mempool_cache_destroy(c);
}

static void the_limit_in_bytes_holds(void)
{
	struct mempool_cache_options o = { .base = { .limit = 64 << 10 } };
	mempool_cache_t *c = mempool_cache_create(1024, &o);
	size_t n = 0;

	while (mempool_cache_get(c, 0))
		n++;
	assert_int_equal(errno, ENOMEM);
	/* In blocks of 16 KiB; under tools there are bytes behind each. */
	assert_int_equal(n, 4 * ((16 << 10) / (tool_on ? 1024 + 16 : 1024)));
	mempool_cache_check(c);
	mempool_cache_destroy(c);
}

static void bytes_asked_for_at_first_are_taken_at_once(void)
{
	struct mempool_cache_options o = { .base = { .initial = 100000 } };
	mempool_cache_t *c = mempool_cache_create(64, &o);

	assert_true(stats_of(c).held_bytes >= 100000);
	assert_int_equal(stats_of(c).stock, 0);
	mempool_cache_destroy(c);
	o.base.limit = 50000;
	assert_refused(mempool_cache_create(64, &o), ENOMEM);
}

/* --- layout --- */

static void objects_of_all_sizes_lie_apart_and_aligned(void)
{
	static const size_t sizes[] = {
		1,    8,       24,	100,	 4096,
		5000, 1 << 20, 3 << 20, 5 << 20, (9 << 20) + 5
	};
	static const size_t aligns[] = { 0, 1, 16, 64, 4096, 4 << 20 };

	for (size_t s = 0; s < COUNT_OF(sizes); s++)
		for (size_t a = 0; a < COUNT_OF(aligns); a++) {
			struct mempool_cache_options o = {
				.base = { .align = aligns[a] }
			};
			mempool_cache_t *c = mempool_cache_create(sizes[s], &o);
			size_t align = aligns[a] ? aligns[a] : 16;
			char *p[9];

			assert_non_null(c);
			for (int i = 0; i < 9; i++) {
				p[i] = mempool_cache_get(c, 0);
				assert_non_null(p[i]);
				assert_int_equal((uintptr_t)p[i] % align, 0);
				p[i][0] = p[i][sizes[s] - 1] = (char)i;
			}
			for (int i = 0; i < 9; i++) {
				assert_int_equal(p[i][0], i);
				assert_int_equal(p[i][sizes[s] - 1], i);
				mempool_cache_put(c, p[i]);
			}
			mempool_cache_check(c);
			mempool_cache_destroy(c);
		}
}

static void the_page_source_asked_for_is_used_and_gets_all_back(void)
{
	struct mempool_options limit = { .limit = 64 << 20 };
	mempool_pages_t *pages = mempool_pages_create(&limit);
	struct mempool_cache_options o = { .base = { .pages = pages } };
	mempool_cache_t *c = mempool_cache_create(1 << 20, &o);
	int n = 0;

	while (mempool_cache_get(c, 0))
		n++;
	assert_true(n >= 32 && n <= 64);
	mempool_cache_destroy(c);
	mempool_pages_check(pages);
	c = mempool_cache_create(1 << 20, &o);
	while (mempool_cache_get(c, 0))
		n--;
	assert_int_equal(n, 0);
	mempool_cache_destroy(c);
	mempool_pages_destroy(pages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(an_object_is_constructed_once_however_often_it_is_got),
		APART(a_constructor_runs_for_each_object_that_is_made),
		APART(the_state_of_an_object_outlives_its_put),
		APART(without_a_constructor_an_object_starts_as_zeros),
		APART(objects_made_ahead_are_there_at_once),
		APART(a_constructor_that_fails_gives_its_errno_and_loses_nothing),
		APART(a_constructor_that_fails_ahead_undoes_the_creation),
		APART(a_callback_may_use_the_cache_it_belongs_to),
		APART(a_cache_that_fails_has_the_objects_made_ahead_and_no_more),
		APART(a_cache_that_grows_stops_at_most),
		APART(an_empty_cache_is_small),
		APART(the_limit_in_bytes_holds),
		APART(bytes_asked_for_at_first_are_taken_at_once),
		APART(objects_of_all_sizes_lie_apart_and_aligned),
		APART(the_page_source_asked_for_is_used_and_gets_all_back),
	};

	return cmocka_run_group_tests_name("object cache", tests, NULL, NULL);
}
