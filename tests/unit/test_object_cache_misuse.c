/* SPDX-License-Identifier: MIT */
/*
 * test_object_cache_misuse.c - what object caches say of crimes, and see when
 * MEMPOOL_DEBUG asks them to look.
 */
#include "unit/apart.h"

#include "base/tool.h"
#include "pool/debug.h"
#include "unit/caches.h"
#include "unit/tools.h"

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

	get_all(c, p, 600);
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

	get_and_put(c);
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
	char *p = mempool_cache_get(c, 0);

	/* Under tools there are bytes behind each. */
	mempool_cache_put(c, p + sizeof(struct thing) + (tool_on ? 16 : 0));
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
	c = cache_with(o);
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

	leave_to_tools();
	mempool_cache_destroy(c);
	mempool_cache_destroy(c);
}

static void a_get_from_a_destroyed_cache_is_named(void)
{
	mempool_cache_t *c = cache_of(MEMPOOL_THREAD_LOCAL);

	leave_to_tools();
	mempool_cache_destroy(c);
	(void)!mempool_cache_get(c, 0);
}

static void what_is_no_cache_is_named(void)
{
	_Alignas(64) char zeros[4096] = { 0 };

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

	leave_to_tools();
	((char *)(x + 1))[3] = 1;
	mempool_cache_put(c, x);
}

static void with_poison_an_object_is_verified_at_get_as_well(void)
{
	mempool_cache_t *c = debugged(DEBUG_POISON, MEMPOOL_LOCKED);
	struct thing *x = mempool_cache_get(c, 0);

	leave_to_tools();
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

	get_and_put(c);
	run_thread(get_one, c);
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

	get_and_put(c);
	run_thread(describe, c);
}

static void other_threads_may_use_a_locked_cache(void)
{
	mempool_cache_t *c = debugged(DEBUG_OWNER, MEMPOOL_LOCKED);

	get_and_put(c);
	run_thread(get_one, c);
	mempool_cache_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		       "use of a destroyed pool"),
		ABORTS(a_second_destroy_is_named, "use of a destroyed pool"),
		ABORTS(what_is_no_cache_is_named,
		       "no pool of the kind 'cache'"),
	};

	return cmocka_run_group_tests_name("object cache misuse", tests, NULL,
					   NULL);
}
