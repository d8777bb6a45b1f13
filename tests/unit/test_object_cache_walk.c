/* SPDX-License-Identifier: MIT */
/*
 * test_object_cache_walk.c - object caches: trim, walks, and the end.
 */
#include "unit/apart.h"

#include "unit/caches.h"

enum { MANY = 3000 };

static void a_trim_destroys_each_free_object_once(void)
{
	for (int t = 0; t < 3; t++) {
		mempool_cache_t *c = cache_of(t);
		void *all[MANY];

		made = unmade = 0;
		get_all(c, all, MANY);
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
		get_and_put(c);
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
	end_of(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_trim_destroys_each_free_object_once),
		APART(a_walk_visits_the_objects_in_use_and_no_others),
		APART(a_walk_may_put_what_it_visits_and_trim),
		APART(a_walk_stops_when_told),
		APART(what_is_live_is_destroyed_with_the_cache),
	};

	return cmocka_run_group_tests_name("object cache walk", tests, NULL,
					   NULL);
}
