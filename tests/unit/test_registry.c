/* SPDX-License-Identifier: MIT */
/*
 * test_registry.c - all thread caches of the process.
 */
#include "unit/apart.h"

#include "heap/cache.h"
#include "heap/registry.h"
#include "unit/forks.h"
#include "unit/threads.h"

static struct cache caches[5];

static void note(struct cache *cache, void *seen)
{
	((bool *)seen)[cache - caches] = true;
}

/* Whether exactly the caches whose bits are set in `which` are listed. */
static bool listed(unsigned which)
{
	bool seen[COUNT_OF(caches)] = { 0 };

	registry_walk(note, seen);
	for (unsigned i = 0; i < COUNT_OF(caches); i++)
		if (seen[i] != (which >> i & 1))
			return false;
	return true;
}

static void add_all(void)
{
	for (unsigned i = 0; i < COUNT_OF(caches); i++)
		registry_add(&caches[i]);
}

/* The TLS of threads that are not there any more, for new ones. */
static void begin_anew(void)
{
	memset(caches, 0, sizeof(caches));
}

static void nobody_is_listed_at_first(void)
{
	assert_true(listed(0));
}

static void caches_are_listed_until_they_are_removed(void)
{
	add_all();
	assert_true(listed(037));
	registry_remove(&caches[2]);
	assert_true(listed(033));
	registry_remove(&caches[4]);
	assert_true(listed(013));
	registry_remove(&caches[0]);
	assert_true(listed(012));
	registry_remove(&caches[1]);
	registry_remove(&caches[3]);
	assert_true(listed(0));
}

static void a_removed_cache_can_be_added_again(void)
{
	add_all();
	registry_remove(&caches[2]);
	registry_add(&caches[2]);
	assert_true(listed(037));
}

static void a_cache_is_listed_once_however_often_it_is_added(void)
{
	add_all();
	add_all();
	assert_true(listed(037));
	registry_remove(&caches[0]);
	registry_remove(&caches[0]);
	registry_remove(&caches[4]);
	registry_remove(&caches[4]);
	assert_true(listed(016));
}

static void after_a_reset_only_the_cache_named_is_listed(void)
{
	add_all();
	registry_reset(&caches[1]);
	assert_true(listed(002));
	registry_remove(&caches[1]);
	assert_true(listed(0));
	begin_anew();
	add_all();
	registry_reset(NULL);
	assert_true(listed(0));
}

static void a_reset_breaks_a_lost_lock(void)
{
	add_all();
	forks_act(registry_fork, FORK_TAKE);
	registry_reset(NULL);
	begin_anew();
	add_all();
	assert_true(listed(037));
}

static void *add_and_remove(void *cache)
{
	for (int i = 0; i < 20000; i++) {
		registry_add(cache);
		registry_remove(cache);
	}
	registry_add(cache);
	return NULL;
}

static void threads_add_and_remove_at_the_same_time(void)
{
	pthread_t threads[COUNT_OF(caches)];

	for (size_t i = 0; i < COUNT_OF(threads); i++)
		threads[i] = start_thread(add_and_remove, &caches[i]);
	for (int i = 0; i < 1000; i++)
		listed(0);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		join_thread(threads[i]);
	assert_true(listed(037));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(nobody_is_listed_at_first),
		APART(caches_are_listed_until_they_are_removed),
		APART(a_removed_cache_can_be_added_again),
		APART(a_cache_is_listed_once_however_often_it_is_added),
		APART(after_a_reset_only_the_cache_named_is_listed),
		APART(a_reset_breaks_a_lost_lock),
		APART(threads_add_and_remove_at_the_same_time),
	};

	return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
