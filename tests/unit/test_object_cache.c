/*
 * test_object_cache.c - object caches: constructed once, kept, given back.
 */
#include "unit/apart.h"

#include <pthread.h>

#include "mempool/cache.h"
#include "mempool/pages.h"
#include "pool/debug.h"
#include "pool/tool.h"
#include "unit/caches.h"

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
		for (int i = 0; i < MANY; i++)
			all[i] = mempool_cache_get(c, 0);
		assert_int_equal(made, MANY);
		mempool_cache_check(c);
		for (int i = 0; i < MANY; i++)
			mempool_cache_put(c, all[i]);
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
	c = mempool_cache_create(sizeof(struct thing), &o);
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
		errno = 0;
		assert_null(mempool_cache_get(c, 0));
		assert_int_equal(errno, EIO);
		fail_construct = EACCES;
		assert_null(mempool_cache_get(c, 0));
		assert_int_equal(errno, EACCES);
		mempool_cache_check(c);
		fail_construct = 0;
		assert_non_null(p);
		assert_int_equal(stats_of(c).live, 1);
		assert_int_equal(stats_of(c).failures, 2);
		assert_int_equal(stats_of(c).stock, 0);
		mempool_cache_put(c, mempool_cache_get(c, 0));
		mempool_cache_put(c, p);
		mempool_cache_destroy(c);
		assert_int_equal(made, unmade);
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
		errno = 0;
		assert_null(mempool_cache_create(sizeof(struct thing), &o));
		assert_int_equal(errno, EDOM);
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
	c = mempool_cache_create(sizeof(struct thing), &o);
	for (int i = 0; i < 3; i++)
		assert_non_null(p[i] = mempool_cache_get(c, 0));
	errno = 0;
	assert_null(mempool_cache_get(c, 0));
	assert_int_equal(errno, ENOMEM);
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
	c = mempool_cache_create(sizeof(struct thing), &o);
	for (int i = 0; i < 5; i++)
		assert_non_null(mempool_cache_get(c, 0));
	assert_int_equal(made, 5);
	assert_null(mempool_cache_get(c, 0));
	assert_int_equal(errno, ENOMEM);
	mempool_cache_check(c);
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
	assert_int_equal(n, 64);
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
	errno = 0;
	assert_null(mempool_cache_create(64, &o));
	assert_int_equal(errno, ENOMEM);
}

/* --- trim, walk --- */

static void a_trim_destroys_each_free_object_once(void)
{
	for (int t = 0; t < 3; t++) {
		mempool_cache_t *c = cache_of(t);
		void *all[MANY];

		made = unmade = 0;
		for (int i = 0; i < MANY; i++)
			all[i] = mempool_cache_get(c, 0);
		for (int i = 0; i < MANY; i += 2)
			mempool_cache_put(c, all[i]);
		mempool_cache_trim(c);
		assert_int_equal(unmade, MANY / 2);
		assert_int_equal(stats_of(c).stock, 0);
		for (int i = 1; i < MANY; i += 2) {
			assert_true(is_fit(all[i], NULL));
			mempool_cache_put(c, all[i]);
		}
		assert_true(mempool_cache_trim(c) > MANY / 2);
		assert_int_equal(unmade, MANY);
		assert_int_equal(mempool_cache_trim(c), 0);
		mempool_cache_check(c);
		assert_true(stats_of(c).held_bytes ==
			    stats_of(c).overhead_bytes);
		mempool_cache_put(c, mempool_cache_get(c, 0));
		assert_int_equal(made, MANY + 1);
		mempool_cache_destroy(c);
		assert_int_equal(unmade, MANY + 1);
	}
}

static int count_visit(void *object, void *arg)
{
	assert_true(is_fit(object, NULL));
	((struct thing *)object)->uses++;
	++*(int *)arg;
	return 0;
}

static void a_walk_visits_the_objects_in_use_and_no_others(void)
{
	for (int t = 0; t < 3; t++) {
		mempool_cache_t *c = cache_of(t);
		struct thing *all[MANY];
		int visits = 0;

		for (int i = 0; i < MANY; i++) {
			all[i] = mempool_cache_get(c, 0);
			all[i]->uses = 0;
		}
		for (int i = 0; i < MANY; i += 3)
			mempool_cache_put(c, all[i]);
		assert_int_equal(mempool_cache_walk(c, count_visit, &visits),
				 0);
		assert_int_equal(visits, MANY - (MANY + 2) / 3);
		assert_int_equal(stats_of(c).live, visits);
		for (int i = 0; i < MANY; i++)
			if (i % 3)
				assert_int_equal(all[i]->uses, 1);
		mempool_cache_destroy(c);
	}
}

static int put_and_trim(void *object, void *arg)
{
	mempool_cache_put(arg, object);
	mempool_cache_trim(arg);
	return 0;
}

static void a_walk_may_put_what_it_visits_and_trim(void)
{
	mempool_cache_t *c = cache_of(MEMPOOL_LOCKED);

	for (int i = 0; i < MANY; i++)
		assert_non_null(mempool_cache_get(c, 0));
	assert_int_equal(mempool_cache_walk(c, put_and_trim, c), 0);
	assert_int_equal(unmade, MANY);
	assert_int_equal(stats_of(c).live, 0);
	mempool_cache_check(c);
	assert_true(mempool_cache_trim(c) > 0);
	mempool_cache_destroy(c);
}

static int stop_at_third(void *object, void *arg)
{
	(void)object;
	return ++*(int *)arg == 3 ? 77 : 0;
}

static void a_walk_stops_when_told(void)
{
	mempool_cache_t *c = cache_of(MEMPOOL_SINGLE);
	int visits = 0;

	for (int i = 0; i < 200; i++)
		assert_non_null(mempool_cache_get(c, 0));
	assert_int_equal(mempool_cache_walk(c, stop_at_third, &visits), 77);
	assert_int_equal(visits, 3);
	mempool_cache_destroy(c);
}

static void what_is_live_is_destroyed_with_the_cache(void)
{
	mempool_cache_t *c = cache_of(MEMPOOL_THREAD_LOCAL);
	void *p;

	for (int i = 0; i < 10; i++)
		p = mempool_cache_get(c, 0);
	mempool_cache_put(c, p);
	mempool_cache_destroy(c);
	assert_int_equal(made, unmade);
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

/* --- bad input --- */

static void null_means_nothing_to_do_or_einval(void)
{
	mempool_cache_t *c = cache_of(MEMPOOL_LOCKED);
	struct mempool_stats s;

	mempool_cache_put(c, NULL);
	mempool_cache_put(NULL, NULL);
	mempool_cache_destroy(NULL);
	mempool_cache_check(NULL);
	assert_int_equal(mempool_cache_trim(NULL), 0);
	errno = 0;
	assert_null(mempool_cache_get(NULL, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(mempool_cache_get_until(NULL, NULL));
	assert_int_equal(mempool_cache_stats(NULL, &s), -EINVAL);
	assert_int_equal(mempool_cache_stats(c, NULL), -EINVAL);
	assert_int_equal(mempool_cache_walk(NULL, count_visit, NULL), -EINVAL);
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
		errno = 0;
		assert_null(mempool_cache_create(64, &bad[i]));
		assert_int_equal(errno, EINVAL);
	}
	errno = 0;
	assert_null(mempool_cache_create(0, NULL));
	assert_int_equal(errno, EINVAL);
	for (int shift = 0; shift < 4; shift++) {
		struct mempool_cache_options o = { .ahead = 1 };

		errno = 0;
		assert_null(mempool_cache_create(SIZE_MAX >> shift, &o));
		assert_int_equal(errno, ENOMEM);
	}
}

static void an_initial_beyond_all_memory_is_refused_at_once(void)
{
	struct mempool_cache_options o = { .base.initial = SIZE_MAX };

	alarm(5);
	errno = 0;
	assert_null(mempool_cache_create(64, &o));
	assert_int_equal(errno, ENOMEM);
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

		mempool_cache_put(c, mempool_cache_get(c, 0));
		for (size_t i = 0; i < COUNT_OF(bad); i++) {
			errno = 0;
			assert_null(mempool_cache_get(c, bad[i]));
			assert_int_equal(errno, EINVAL);
		}
		errno = 0;
		assert_null(mempool_cache_get_until(c, &wrong));
		assert_int_equal(errno, EINVAL);
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

/* --- misuse --- */

static void put_twice(enum mempool_threading threading)
{
	mempool_cache_t *c = cache_of(threading);
	void *p = mempool_cache_get(c, 0);

	mempool_cache_put(c, p);
	mempool_cache_put(c, p);
}

static void a_double_put_is_named(void)
{
	put_twice(MEMPOOL_LOCKED);
}

static void a_double_put_is_named_without_locks(void)
{
	put_twice(MEMPOOL_SINGLE);
}

static void a_double_put_is_named_in_a_stock(void)
{
	put_twice(MEMPOOL_THREAD_LOCAL);
}

static void a_double_put_shows_when_the_stock_spills(void)
{
	mempool_cache_t *c = cache_of(MEMPOOL_THREAD_LOCAL);
	void *p[600];

	for (int i = 0; i < 600; i++)
		p[i] = mempool_cache_get(c, 0);
	mempool_cache_put(c, p[0]);
	mempool_cache_put(c, p[1]);
	mempool_cache_put(c, p[0]);
	for (int i = 2; i < 600; i++)
		mempool_cache_put(c, p[i]);
}

static void a_foreign_pointer_is_named(void)
{
	int x;

	mempool_cache_put(cache_of(MEMPOOL_LOCKED), &x);
}

static void a_foreign_pointer_is_named_at_a_stock(void)
{
	mempool_cache_t *c = cache_of(MEMPOOL_THREAD_LOCAL);

	mempool_cache_put(c, mempool_cache_get(c, 0));
	mempool_cache_put(c, (void *)0x10);
}

static void an_object_of_another_cache_is_named(void)
{
	mempool_cache_put(cache_of(MEMPOOL_LOCKED),
			  mempool_cache_get(cache_of(MEMPOOL_LOCKED), 0));
}

static void a_pointer_into_an_object_is_named(void)
{
	mempool_cache_t *c = cache_of(MEMPOOL_THREAD_LOCAL);

	mempool_cache_put(c, (char *)mempool_cache_get(c, 0) + 8);
}

static void a_pointer_beyond_the_last_object_is_named(void)
{
	mempool_cache_t *c = mempool_cache_create(3000, NULL);
	uintptr_t p = (uintptr_t)mempool_cache_get(c, 0);

	mempool_cache_put(c, (void *)(p / 4096 * 4096 + 32760));
}

static void an_address_without_an_object_is_named(void)
{
	mempool_cache_t *c = cache_of(MEMPOOL_LOCKED);
	struct thing *p = mempool_cache_get(c, 0);

	mempool_cache_put(c, p + 1);
}

static void a_put_after_a_trim_is_named(void)
{
	mempool_cache_t *c = cache_of(MEMPOOL_LOCKED);
	void *p = mempool_cache_get(c, 0);

	mempool_cache_put(c, p);
	mempool_cache_trim(c);
	mempool_cache_put(c, p);
}

static void break_and_put(enum mempool_threading threading)
{
	struct mempool_cache_options o = things(threading);
	mempool_cache_t *c;
	struct thing *x;

	o.verify = is_fit;
	o.base.name = "requests";
	c = mempool_cache_create(sizeof(struct thing), &o);
	x = mempool_cache_get(c, 0);
	mempool_cache_put(c, x);
	x = mempool_cache_get(c, 0);
	x->seal = 0;
	mempool_cache_put(c, x);
}

static void an_unfit_object_is_named(void)
{
	break_and_put(MEMPOOL_LOCKED);
}

static void an_unfit_object_is_named_at_a_stock(void)
{
	break_and_put(MEMPOOL_THREAD_LOCAL);
}

static void a_put_without_a_cache_is_named(void)
{
	int x;

	mempool_cache_put(NULL, &x);
}

static void a_second_destroy_is_named(void)
{
	mempool_cache_t *c = cache_of(MEMPOOL_LOCKED);

#ifdef __SANITIZE_THREAD__
	apart_skip("the sanitizer sees it first");
#endif
	if (tool_on)
		apart_skip("the sanitizer sees it first");
	mempool_cache_destroy(c);
	mempool_cache_destroy(c);
}

static void a_get_from_a_destroyed_cache_is_named(void)
{
	mempool_cache_t *c = cache_of(MEMPOOL_THREAD_LOCAL);

#ifdef __SANITIZE_THREAD__
	apart_skip("the sanitizer sees it first");
#endif
	if (tool_on)
		apart_skip("the sanitizer sees it first");
	mempool_cache_destroy(c);
	(void)!mempool_cache_get(c, 0);
}

static void what_is_no_cache_is_named(void)
{
	char zeros[1024] = { 0 };

	mempool_cache_destroy((mempool_cache_t *)zeros);
}

/* --- debugging --- */

static mempool_cache_t *debugged(unsigned flags, enum mempool_threading t)
{
	struct mempool_cache_options o = things(t);

	debug_flags = flags;
	o.verify = is_fit;
	return mempool_cache_create(sizeof(struct thing), &o);
}

static void poison_keeps_the_constructed_state(void)
{
	mempool_cache_t *c = debugged(DEBUG_POISON, MEMPOOL_THREAD_LOCAL);
	struct thing *x = mempool_cache_get(c, 0);

	x->uses = 77;
	mempool_cache_put(c, x);
	assert_ptr_equal(mempool_cache_get(c, 0), x);
	assert_int_equal(x->uses, 77);
	mempool_cache_put(c, x);
	assert_int_equal(made, 1);
	mempool_cache_trim(c);
	x = mempool_cache_get(c, 0);
	assert_int_equal(x->uses, 0);
	mempool_cache_check(c);
	mempool_cache_destroy(c);
	assert_int_equal(unmade, 2);
}

static void with_poison_a_double_put_is_named_at_once(void)
{
	mempool_cache_t *c = debugged(DEBUG_POISON, MEMPOOL_THREAD_LOCAL);
	void *a = mempool_cache_get(c, 0), *b = mempool_cache_get(c, 0);

	mempool_cache_put(c, a);
	mempool_cache_put(c, b);
	mempool_cache_put(c, a);
}

static void with_poison_a_write_behind_an_object_is_named(void)
{
	mempool_cache_t *c = debugged(DEBUG_POISON, MEMPOOL_LOCKED);
	struct thing *x = mempool_cache_get(c, 0);

	if (tool_on)
		apart_skip("the sanitizer sees it first");
	((char *)(x + 1))[3] = 1;
	mempool_cache_put(c, x);
}

static void with_poison_an_object_is_verified_at_get_as_well(void)
{
	mempool_cache_t *c = debugged(DEBUG_POISON, MEMPOOL_LOCKED);
	struct thing *x = mempool_cache_get(c, 0);

	if (tool_on)
		apart_skip("the sanitizer sees it first");
	mempool_cache_put(c, x);
	x->seal = 1;
	x = mempool_cache_get(c, 0);
}

static void *get_one(void *c)
{
	return mempool_cache_get(c, 0);
}

static void a_second_thread_in_a_single_cache_is_named(void)
{
	mempool_cache_t *c = debugged(DEBUG_OWNER, MEMPOOL_SINGLE);
	pthread_t thread;

	mempool_cache_put(c, mempool_cache_get(c, 0));
	pthread_create(&thread, NULL, get_one, c);
	pthread_join(thread, NULL);
}

static void *describe(void *c)
{
	assert_int_equal(stats_of(c).stock, 1);
	mempool_cache_destroy(c);
	return NULL;
}

static void another_thread_may_describe_and_end_a_single_cache(void)
{
	mempool_cache_t *c = debugged(DEBUG_OWNER, MEMPOOL_SINGLE);
	pthread_t thread;

	mempool_cache_put(c, mempool_cache_get(c, 0));
	pthread_create(&thread, NULL, describe, c);
	pthread_join(thread, NULL);
}

static void other_threads_may_use_a_locked_cache(void)
{
	mempool_cache_t *c = debugged(DEBUG_OWNER, MEMPOOL_LOCKED);
	pthread_t thread;

	mempool_cache_put(c, mempool_cache_get(c, 0));
	pthread_create(&thread, NULL, get_one, c);
	pthread_join(thread, NULL);
	mempool_cache_destroy(c);
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
		APART(the_limit_in_bytes_holds),
		APART(bytes_asked_for_at_first_are_taken_at_once),
		APART(a_trim_destroys_each_free_object_once),
		APART(a_walk_visits_the_objects_in_use_and_no_others),
		APART(a_walk_may_put_what_it_visits_and_trim),
		APART(a_walk_stops_when_told),
		APART(what_is_live_is_destroyed_with_the_cache),
		APART(objects_of_all_sizes_lie_apart_and_aligned),
		APART(the_page_source_asked_for_is_used_and_gets_all_back),
		APART(null_means_nothing_to_do_or_einval),
		APART(bad_options_are_refused),
		APART(an_initial_beyond_all_memory_is_refused_at_once),
		APART(flags_that_make_no_sense_here_are_refused),
		APART(errno_is_left_alone_by_what_succeeds),
		APART(poison_keeps_the_constructed_state),
		APART(other_threads_may_use_a_locked_cache),
		APART(another_thread_may_describe_and_end_a_single_cache),
		ABORTS(with_poison_a_double_put_is_named_at_once, "double put"),
		ABORTS(with_poison_a_write_behind_an_object_is_named,
		       "overrun"),
		ABORTS(with_poison_an_object_is_verified_at_get_as_well,
		       "bad state"),
		ABORTS(a_second_thread_in_a_single_cache_is_named,
		       "another thread"),
		ABORTS(a_double_put_is_named, "double put"),
		ABORTS(a_double_put_is_named_without_locks, "double put"),
		ABORTS(a_double_put_is_named_in_a_stock, "double put"),
		ABORTS(a_double_put_shows_when_the_stock_spills, "double put"),
		ABORTS(a_foreign_pointer_is_named, "invalid put"),
		ABORTS(a_foreign_pointer_is_named_at_a_stock, "in no block"),
		ABORTS(an_object_of_another_cache_is_named, "in no block"),
		ABORTS(a_pointer_into_an_object_is_named, "inside an object"),
		ABORTS(a_pointer_beyond_the_last_object_is_named,
		       "inside an object"),
		ABORTS(an_address_without_an_object_is_named, "no object"),
		ABORTS(a_put_after_a_trim_is_named, "invalid put"),
		ABORTS(an_unfit_object_is_named, "bad state"),
		ABORTS(an_unfit_object_is_named_at_a_stock, "bad state"),
		ABORTS(a_put_without_a_cache_is_named, "no cache"),
		ABORTS(a_get_from_a_destroyed_cache_is_named,
		       "destroyed before"),
		ABORTS(a_second_destroy_is_named, "destroyed before"),
		ABORTS(what_is_no_cache_is_named, "no object cache"),
	};

	return cmocka_run_group_tests_name("object cache", tests, NULL, NULL);
}
