/* SPDX-License-Identifier: MIT */
/*
 * test_fixed_memory.c - pools of objects of one size, and where they have
 * their memory from.
 */
#include "unit/apart.h"

#include "base/inject.h"
#include "base/tool.h"
#include "mempool/pages.h"
#include "pool/fixed_center.h"
#include "unit/chance.h"
#include "unit/fixeds.h"

enum { MANY = FIXEDS_MOST, KIB_64 = 64 << 10 };

static void shuffle(size_t n)
{
	uint64_t random = 1;

	for (size_t i = n; i > 1; i--) {
		size_t other = below(&random, i);
		void *p = objects[i - 1];

		objects[i - 1] = objects[other];
		objects[other] = p;
	}
}

static void calls_to_the_source_grow_as_the_logarithm(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_SINGLE, 0);
	size_t first = 0, n = 0;

	for (; stats_of(pool).refills < 2; n++) {
		assert_non_null(mempool_fixed_alloc(pool));
		first = n;
	}
	for (; n < 1000000; n++)
		assert_non_null(mempool_fixed_alloc(pool));
	/* log2(1000000 / first) + 2 */
	assert_true((uint64_t)first << (stats_of(pool).refills - 2) <= n);
	mempool_fixed_destroy(pool);
}

static void what_is_taken_at_the_start_is_not_asked_for_again(void)
{
	struct mempool_options o = { .initial = 1 << 20, .limit = 1 << 20 };
	mempool_fixed_t *pool = mempool_fixed_create(64, &o);

	assert_int_equal(stats_of(pool).refills, 1);
	assert_true(take(pool, MANY) > 15000);
	assert_int_equal(stats_of(pool).refills, 1);
	mempool_fixed_destroy(pool);
}

static void empty_blocks_go_back_in_any_order(void)
{
	for (size_t f = 0; f < FORMS; f++) {
		mempool_fixed_t *pool = make(64, forms[f], 0);
		uint64_t held, rest;
		size_t given;

		take(pool, MANY);
		shuffle(MANY);
		/* One object in use keeps its block. */
		give(pool, MANY - 1);
		objects[0] = objects[MANY - 1];
		held = stats_of(pool).held_bytes;
		given = mempool_fixed_trim(pool);
		assert_true(given > 0);
		rest = stats_of(pool).held_bytes;
		assert_int_equal(held - rest, given);
		assert_int_equal(mempool_fixed_trim(pool), 0);
		assert_int_equal(stats_of(pool).live, 1);
		mempool_fixed_check(pool);
		mempool_fixed_free(pool, objects[0]);
		assert_true(mempool_fixed_trim(pool) > 0);
		assert_int_equal(stats_of(pool).stock, 0);
		/* And it goes on from there. */
		assert_int_equal(take(pool, MANY), MANY);
		mempool_fixed_check(pool);
		mempool_fixed_destroy(pool);
	}
}

static void check_limit(size_t size, size_t limit, enum mempool_threading form)
{
	mempool_fixed_t *pool = make(size, form, limit);
	struct mempool_stats s;
	size_t n;

	n = take(pool, MANY);
	assert_true(n > 0 && n < MANY);
	assert_int_equal(errno, ENOMEM);
	s = stats_of(pool);
	assert_true(s.live_bytes <= limit);
	assert_int_equal(s.live, n);
	assert_int_equal(s.stock, 0);
	assert_true(s.failures >= 1);
	/* Nothing is lost by that: one back, one more. */
	mempool_fixed_free(pool, objects[n - 1]);
	assert_non_null(mempool_fixed_alloc(pool));
	assert_null(mempool_fixed_alloc(pool));
	give(pool, n);
	assert_int_equal(take(pool, MANY), n);
	mempool_fixed_check(pool);
	mempool_fixed_destroy(pool);
}

static void the_limit_is_reached_and_not_passed(void)
{
	for (size_t f = 0; f < FORMS; f++) {
		check_limit(64, 4096, forms[f]);
		check_limit(64, 100000, forms[f]);
		check_limit(100, 1 << 20, forms[f]);
		check_limit(5000, 1 << 20, forms[f]);
		check_limit(100000, 1 << 20, forms[f]);
	}
}

static const struct stock *stock_of(const mempool_fixed_t *pool)
{
	return ((const struct center *)pool)->stocks;
}

/* Allocates until the source has been asked `calls` times; bytes in blocks. */
static size_t fill_blocks(mempool_fixed_t *pool, uint64_t calls)
{
	const struct blocks *blocks = stock_of(pool)->blocks;

	while (blocks->calls < calls)
		assert_non_null(mempool_fixed_alloc(pool));
	return blocks->held;
}

static void what_is_left_of_the_limit_is_had_in_one_call(void)
{
	enum { CALLS = 4 };
	mempool_fixed_t *pool = make(64, MEMPOOL_SINGLE, 0);
	size_t before = fill_blocks(pool, CALLS - 1);
	size_t held = fill_blocks(pool, CALLS), last = held - before;
	size_t limit = held + last / 2;

	mempool_fixed_destroy(pool);
	pool = make(64, MEMPOOL_SINGLE, limit);
	assert_int_equal(fill_blocks(pool, CALLS), held);
	assert_int_equal(fill_blocks(pool, CALLS + 1), limit);
	mempool_fixed_destroy(pool);
}

static void with_a_limit_most_of_it_is_objects(void)
{
	mempool_fixed_t *pool = make(64, MEMPOOL_SINGLE, 1 << 20);

	assert_true(take(pool, MANY) * 64 > (1 << 20) * 95 / 100);
	mempool_fixed_destroy(pool);
}

static void a_source_that_fails_now_and_then_loses_nothing(void)
{
	for (size_t f = 0; f < FORMS; f++) {
		for (int every = 1; every < 12; every++) {
			struct mempool_options o = { .threading = forms[f] };
			mempool_fixed_t *pool;
			char rule[32];
			size_t n = 0;

			snprintf(rule, sizeof rule, "pages:%d/%d", every,
				 every);
			assert_true(inject_set(rule));
			pool = mempool_fixed_create(512, &o);
			for (size_t i = 0; pool && i < 3000; i++) {
				objects[n] = mempool_fixed_alloc(pool);
				n += objects[n] != NULL;
			}
			inject_set(NULL);
			if (!pool)
				continue;
			mempool_fixed_check(pool);
			assert_int_equal(stats_of(pool).live, n);
			give(pool, n);
			assert_int_equal(stats_of(pool).live, 0);
			mempool_fixed_trim(pool);
			assert_int_equal(stats_of(pool).stock, 0);
			assert_int_equal(take(pool, MANY), MANY);
			mempool_fixed_destroy(pool);
		}
	}
}

static void without_memory_for_magazines_objects_go_one_by_one(void)
{
	struct mempool_options o = { .initial = KIB_64 };
	mempool_fixed_t *pool = mempool_fixed_create(64, &o);
	size_t n;

	assert_true(inject_set("pages:1+"));
	n = take(pool, MANY);
	assert_true(n > 900);
	give(pool, n);
	assert_int_equal(take(pool, MANY), n);
	give(pool, n);
	inject_set(NULL);
	end_of(pool);
}

static void many_free_objects_stay_in_magazines(void)
{
	tool_on = false;
	for (size_t f = 0; f < FORMS; f++) {
		mempool_fixed_t *pool = make(64, forms[f], 0);
		size_t rest;

		take(pool, MANY);
		rest = stock_of(pool)->free;
		give(pool, MANY);
		assert_int_equal(stock_of(pool)->free, rest);
		mempool_fixed_check(pool);
		assert_int_equal(stats_of(pool).live, 0);
		assert_true(stats_of(pool).stock >= MANY);
		shuffle(take(pool, MANY));
		assert_int_equal(stats_of(pool).live, MANY);
		assert_int_equal(stock_of(pool)->fulls, 0);
		give(pool, MANY);
		end_of(pool);
	}
}

/* A magazine of the smallest objects is as large as they are. */
static void magazines_take_no_more_than_a_part(void)
{
	mempool_fixed_t *pool;
	uint64_t held;

	tool_on = false;
	pool = make(8, MEMPOOL_SINGLE, 0);
	take(pool, MANY);
	held = stats_of(pool).held_bytes;
	give(pool, MANY);
	assert_int_equal(stats_of(pool).held_bytes, held + KIB_64);
	end_of(pool);
}

static void a_trim_gives_magazines_back(void)
{
	tool_on = false;
	for (size_t f = 0; f < FORMS; f++) {
		mempool_fixed_t *pool = make(64, forms[f], 0);
		uint64_t held, given;

		for (int i = 0; i < 3; i++) {
			take(pool, MANY);
			give(pool, MANY);
			held = stats_of(pool).held_bytes;
			given = mempool_fixed_trim(pool);
			assert_int_equal(stats_of(pool).held_bytes,
					 held - given);
			/* Those that the stacks stand in may lie apart. */
			assert_true(stats_of(pool).held_bytes <= 2 * KIB_64);
			mempool_fixed_check(pool);
		}
		mempool_fixed_destroy(pool);
	}
}

static void pools_over_a_source_of_their_own_give_all_back(void)
{
	mempool_pages_t *pages = mempool_pages_create(NULL);
	struct mempool_options o = { .pages = pages };
	mempool_fixed_t *pool = mempool_fixed_create(64, &o);

	take(pool, MANY);
	mempool_fixed_destroy(pool);
	mempool_pages_check(pages);
	mempool_pages_trim(pages);
	mempool_pages_destroy(pages);
}

static void pools_come_and_go_without_end(void)
{
	for (int i = 0; i < 3000; i++) {
		mempool_fixed_t *pool = make(64, forms[i % FORMS], 0);

		take(pool, 200);
		mempool_fixed_destroy(pool);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(calls_to_the_source_grow_as_the_logarithm),
		APART(what_is_taken_at_the_start_is_not_asked_for_again),
		APART(empty_blocks_go_back_in_any_order),
		APART(the_limit_is_reached_and_not_passed),
		APART(what_is_left_of_the_limit_is_had_in_one_call),
		APART(with_a_limit_most_of_it_is_objects),
		APART(a_source_that_fails_now_and_then_loses_nothing),
		APART(without_memory_for_magazines_objects_go_one_by_one),
		APART(many_free_objects_stay_in_magazines),
		APART(magazines_take_no_more_than_a_part),
		APART(a_trim_gives_magazines_back),
		APART(pools_over_a_source_of_their_own_give_all_back),
		APART(pools_come_and_go_without_end),
	};

	return cmocka_run_group_tests_name("fixed memory", tests, NULL, NULL);
}
