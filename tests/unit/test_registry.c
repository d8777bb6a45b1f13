/*
 * test_registry.c - all thread caches, and the revocation of free sides.
 */
#include "unit/apart.h"

#include <pthread.h>

#include "heap/central.h"
#include "heap/heap.h"
#include "heap/registry.h"
#include "heap/stats.h"
#include "unit/objects.h"
#include "unit/step.h"

enum { SIZE = 64, CLASS = SIZE / CLASS_STEP, MOST = 4096 };

static void *objects[MOST];

static void count(struct cache *cache, void *counted)
{
	(void)cache;
	++*(unsigned *)counted;
}

static unsigned registered(void)
{
	unsigned counted = 0;

	registry_walk(count, &counted);
	return counted;
}

/* Makes the calling thread one with magazines: its first calls have none. */
static void settle(void)
{
	void *mine[64];

	for (size_t i = 0; i < COUNT_OF(mine); i++)
		mine[i] = object_alloc(SIZE);
	for (size_t i = 0; i < COUNT_OF(mine); i++)
		object_free(mine[i]);
}

static void revoke_now(void)
{
	lock_take(&central[CLASS].lock);
	registry_revoke(CLASS);
	lock_release(&central[CLASS].lock);
}

static uint64_t live(void)
{
	struct class_stats s;

	heap_class_stats(CLASS, &s);
	return s.live;
}

/* --- the list --- */

static void caches_are_walked_until_they_are_removed(void)
{
	static struct cache a, b, c;

	registry_add(&a);
	registry_add(&b);
	registry_add(&c);
	assert_int_equal(registered(), 3);
	registry_remove(&b);
	assert_int_equal(registered(), 2);
	registry_remove(&c);
	registry_remove(&a);
	assert_int_equal(registered(), 0);
}

static void after_a_reset_only_the_cache_named_is_left(void)
{
	static struct cache self, lost;

	registry_add(&self);
	registry_add(&lost);
	registry_reset(&self);
	assert_int_equal(registered(), 1);
	registry_remove(&self);
	assert_int_equal(registered(), 0);
}

static void *settle_and_wait(void *gate)
{
	settle();
	pthread_barrier_wait(gate);
	pthread_barrier_wait(gate);
	return NULL;
}

static void a_thread_is_on_the_list_from_its_first_magazine_to_its_end(void)
{
	pthread_barrier_t gate;
	pthread_t thread;

	pthread_barrier_init(&gate, NULL, 2);
	pthread_create(&thread, NULL, settle_and_wait, &gate);
	pthread_barrier_wait(&gate);
	assert_int_equal(registered(), 1);
	pthread_barrier_wait(&gate);
	pthread_join(thread, NULL);
	assert_int_equal(registered(), 0);
}

static void *few_calls(void *unused)
{
	(void)unused;
	for (unsigned i = 0; i < 3; i++)
		object_free(object_alloc(SIZE));
	assert_int_equal(registered(), 0);
	return NULL;
}

static void a_thread_of_few_calls_is_never_listed(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, few_calls, NULL);
	pthread_join(thread, NULL);
	assert_int_equal(live(), 0);
}

/* --- revocation --- */

static void a_revoked_free_side_sends_the_next_free_to_the_slow_path(void)
{
	void *p, *q;

	settle();
	p = object_alloc(SIZE);
	q = object_alloc(SIZE);
	object_free(p);
	revoke_now();
	assert_false(cache_push(SIZE, q));
	cache_free_slow(q);
	assert_int_equal(live(), 0);
}

static void what_was_revoked_is_kept_for_its_owner(void)
{
	struct class_stats before, after;

	settle();
	heap_class_stats(CLASS, &before);
	revoke_now();
	revoke_now();
	heap_class_stats(CLASS, &after);
	assert_int_equal(after.live, before.live);
	assert_int_equal(after.stock, before.stock);
	object_free(object_alloc(SIZE));
	heap_class_stats(CLASS, &after);
	assert_int_equal(after.stock, before.stock);
	heap_check();
}

static void other_classes_are_left_alone_by_a_revocation(void)
{
	void *p, *q;

	settle();
	p = object_alloc(32);
	q = object_alloc(32);
	object_free(p);
	revoke_now();
	assert_true(cache_push(32, q));
}

static void *settle_and_be_revoked(void *gate)
{
	settle();
	pthread_barrier_wait(gate);
	pthread_barrier_wait(gate);
	assert_null(heap_cache.of[CLASS].free);
	assert_non_null(heap_cache.stash[CLASS]);
	return NULL;
}

static void the_free_sides_of_all_threads_are_revoked(void)
{
	pthread_barrier_t gate;
	pthread_t threads[4];

	pthread_barrier_init(&gate, NULL, COUNT_OF(threads) + 1);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_create(&threads[i], NULL, settle_and_be_revoked, &gate);
	pthread_barrier_wait(&gate);
	revoke_now();
	pthread_barrier_wait(&gate);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(live(), 0);
	heap_check();
}

/* --- revocation between any two instructions of the owner --- */

static bool revoke_here(void)
{
	if (central[CLASS].lock.word)
		return false;
	revoke_now();
	return true;
}

/*
 * The heap holds together: whatever comes out now came out once, and can be
 * put back.
 */
static void everything_is_there_once(void)
{
	static void *again[MOST];
	uintptr_t low = UINTPTR_MAX;
	static bool seen[MOST * 4];
	unsigned n = 0;

	memset(seen, 0, sizeof(seen));
	for (; n < 600; n++) {
		again[n] = object_alloc(SIZE);
		assert_non_null(again[n]);
		if ((uintptr_t)again[n] < low)
			low = (uintptr_t)again[n] & ~(uintptr_t)(MIB - 1);
	}
	for (unsigned i = 0; i < n; i++) {
		size_t at = ((uintptr_t)again[i] - low) / SIZE;

		assert_true(at < COUNT_OF(seen));
		assert_false(seen[at]);
		seen[at] = true;
	}
	for (unsigned i = 0; i < n; i++)
		object_free(again[i]);
	heap_check();
}

static unsigned held;

static void free_one(void)
{
	object_free(objects[--held]);
}

static void alloc_one(void)
{
	objects[held++] = object_alloc(SIZE);
}

/*
 * For every n: `frees` objects lie on the free side, then `body` runs and the
 * side is revoked after its n-th instruction.
 */
static void revoke_at_each_instruction(void (*body)(void), unsigned frees)
{
	bool acted = true;

	if (!STEP_WORKS)
		apart_skip("needs the trap flag of x86-64");
	for (long n = 0; acted; n++) {
		cache_flush_own();
		held = 0;
		while (held < frees + 2)
			alloc_one();
		while (held > 2)
			free_one();
		acted = step_through(body, revoke_here, n);
		while (held)
			free_one();
		assert_int_equal(live(), 0);
		everything_is_there_once();
		assert_int_equal(live(), 0);
	}
}

static void a_free_survives_a_revocation_at_any_instruction(void)
{
	settle();
	revoke_at_each_instruction(free_one, 10);
}

static void a_free_that_overflows_survives_a_revocation(void)
{
	settle();
	revoke_at_each_instruction(free_one, MAGAZINE_OBJECTS);
}

static void an_allocation_survives_a_revocation_at_any_instruction(void)
{
	settle();
	revoke_at_each_instruction(alloc_one, 10);
}

/* Empties the alloc side, so that the next call exchanges the sides. */
static void drain_alloc_side(void)
{
	void *p;

	while (cache_pop(SIZE, &p))
		objects[held++] = p;
}

static void an_exchange_survives_a_revocation_at_any_instruction(void)
{
	bool acted = true;

	if (!STEP_WORKS)
		apart_skip("needs the trap flag of x86-64");
	settle();
	for (long n = 0; acted; n++) {
		cache_flush_own();
		held = 0;
		while (held < 200)
			alloc_one();
		while (held > 100)
			free_one();
		drain_alloc_side();
		acted = step_through(alloc_one, revoke_here, n);
		while (held)
			free_one();
		assert_int_equal(live(), 0);
		everything_is_there_once();
	}
}

/* A thread that only freed so far: its alloc side has no magazine yet. */
static void a_first_exchange_survives_a_revocation_at_any_instruction(void)
{
	bool acted = true;

	if (!STEP_WORKS)
		apart_skip("needs the trap flag of x86-64");
	settle();
	for (long n = 0; acted; n++) {
		held = 0;
		while (held < 200)
			alloc_one();
		cache_flush_own();
		while (held > 100)
			free_one();
		assert_null(heap_cache.of[CLASS].alloc);
		acted = step_through(alloc_one, revoke_here, n);
		while (held)
			free_one();
		assert_int_equal(live(), 0);
		everything_is_there_once();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(caches_are_walked_until_they_are_removed),
		APART(after_a_reset_only_the_cache_named_is_left),
		APART(a_thread_is_on_the_list_from_its_first_magazine_to_its_end),
		APART(a_thread_of_few_calls_is_never_listed),
		APART(a_revoked_free_side_sends_the_next_free_to_the_slow_path),
		APART(what_was_revoked_is_kept_for_its_owner),
		APART(other_classes_are_left_alone_by_a_revocation),
		APART(the_free_sides_of_all_threads_are_revoked),
		APART(a_free_survives_a_revocation_at_any_instruction),
		APART(a_free_that_overflows_survives_a_revocation),
		APART(an_allocation_survives_a_revocation_at_any_instruction),
		APART(an_exchange_survives_a_revocation_at_any_instruction),
		APART(a_first_exchange_survives_a_revocation_at_any_instruction),
	};

	return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
