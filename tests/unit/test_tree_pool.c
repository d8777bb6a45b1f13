/* SPDX-License-Identifier: MIT */
/*
 * test_tree_pool.c - pools inside trees.
 */
#include "trees.h"

#include "mempool/fault.h"
#include "mempool/pages.h"

static bool inside(const void *pool, const void *p, size_t bytes)
{
	return (const char *)p > (const char *)pool &&
	       (const char *)p < (const char *)pool + bytes;
}

static void the_seeds_example_holds_as_written(void)
{
	void *pool = mempool_tree_pool(NULL, 1024);
	char *p = mempool_tree_alloc(pool, 512), *outside, *third;

	assert_int_equal(mempool_tree_pool_left(pool), 512);
	memset(p, '1', 512);
	outside = mempool_tree_alloc(p, 1024);
	assert_int_equal(mempool_tree_pool_left(pool), 512);
	assert_false(inside(pool, outside, 4096));
	third = mempool_tree_alloc(p, 200);
	assert_true(inside(pool, third, 4096));
	assert_int_equal(mempool_tree_pool_left(pool), 312);
	assert_int_equal(mempool_tree_pool_left(third), 312);
	assert_int_equal(mempool_tree_pool_left(outside), 0);
	assert_int_equal(mempool_tree_free(third), 0);
	assert_int_equal(mempool_tree_pool_left(pool), 512);
	mempool_tree_check(pool);
	assert_int_equal(mempool_tree_total_size(pool), 512 + 1024);
	assert_int_equal(mempool_tree_free(pool), 0);
}

static void all_of_a_pool_can_be_used_in_pieces_of_64(void)
{
	const size_t sizes[] = { 1, 64, 1000, 1024, 4096, 100000, 5 << 20 };

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		void *pool = mempool_tree_pool(NULL, sizes[i]);
		size_t left = sizes[i], pieces = 0;

		while (left >= 64) {
			char *p = mempool_tree_alloc(pool, 64);

			assert_true(inside(pool, p, 2 * sizes[i] + 4096));
			memset(p, 0xff, 64);
			left -= 64;
			pieces++;
		}
		assert_int_equal(mempool_tree_pool_left(pool), left);
		assert_int_equal(mempool_tree_total_blocks(pool), pieces + 1);
		mempool_tree_check(pool);
		mempool_tree_free(pool);
	}
}

static void what_is_freed_comes_back_when_all_above_is_free(void)
{
	void *pool = mempool_tree_pool(NULL, 4096), *p[8];

	for (int round = 0; round < 1000; round++) {
		for (int i = 0; i < 8; i++)
			p[i] = mempool_tree_alloc(pool, 500);
		for (int i = 0; i < 8; i++) {
			assert_true(inside(pool, p[i], 8192));
			mempool_tree_free(p[(i * 5 + round) % 8]);
			mempool_tree_check(pool);
		}
		assert_int_equal(mempool_tree_pool_left(pool), 4096);
	}
}

static void gaps_join_below_a_node_that_lives(void)
{
	void *pool = mempool_tree_pool(NULL, 4096);
	void *keep = mempool_tree_alloc(pool, 100), *p[4], *next;

	for (int i = 0; i < 4; i++)
		p[i] = mempool_tree_alloc(pool, 900);
	mempool_tree_free(p[0]);
	mempool_tree_free(p[2]);
	mempool_tree_free(p[1]);
	mempool_tree_check(pool);
	mempool_tree_free(p[3]);
	assert_int_equal(mempool_tree_pool_left(pool), 3996);
	next = mempool_tree_alloc(pool, 3000);
	assert_true(next > keep && next <= p[0]);
}

static void a_node_grows_in_place_at_the_top_and_moves_elsewhere(void)
{
	void *pool = mempool_tree_pool(NULL, 4096);
	char *a = mempool_tree_alloc(pool, 100);
	char *b = mempool_tree_alloc(pool, 100), *moved;

	strcpy(a, "a");
	strcpy(b, "b");
	assert_ptr_equal(mempool_tree_realloc(NULL, b, 1000), b);
	assert_int_equal(mempool_tree_pool_left(pool), 2996);
	assert_ptr_equal(mempool_tree_realloc(NULL, b, 100), b);
	assert_int_equal(mempool_tree_pool_left(pool), 3896);
	moved = mempool_tree_realloc(NULL, a, 1000);
	assert_true(inside(pool, moved, 8192) && moved > b);
	assert_string_equal(moved, "a");
	b = mempool_tree_realloc(NULL, b, 10);
	assert_string_equal(b, "b");
	assert_ptr_equal(mempool_tree_realloc(NULL, b, 11), b);
	assert_ptr_equal(mempool_tree_realloc(NULL, b, 10), b);
	mempool_tree_check(pool);
	moved = mempool_tree_realloc(NULL, moved, 10000);
	assert_false(inside(pool, moved, 8192));
	assert_string_equal(moved, "a");
	assert_int_equal(mempool_tree_pool_left(pool), 4086);
	mempool_tree_free(moved);
	mempool_tree_free(b);
	assert_int_equal(mempool_tree_pool_left(pool), 4096);
	assert_refused(mempool_tree_realloc(NULL, pool, 10), EINVAL);
	mempool_tree_free(pool);
}

static void a_node_shrinks_below_another_and_its_rest_comes_back(void)
{
	static const size_t sizes[] = { 99, 80, 64, 63, 17, 1 };
	void *pool = mempool_tree_pool(NULL, 4096);
	char *a = mempool_tree_alloc(pool, 100);
	void *b = mempool_tree_alloc(pool, 100), *next;

	strcpy(a, "");
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		assert_ptr_equal(mempool_tree_realloc(NULL, a, sizes[i]), a);
		assert_int_equal(mempool_tree_size(a), sizes[i]);
		assert_int_equal(mempool_tree_pool_left(pool), 3996 - sizes[i]);
	}
	mempool_tree_check(pool);
	mempool_tree_free(a);
	mempool_tree_free(b);
	next = mempool_tree_alloc(pool, 4000);
	assert_ptr_equal(next, a);
	mempool_tree_free(pool);
}

static void alone_in_a_pool_a_node_that_grows_gets_all_of_it(void)
{
	void *pool = mempool_tree_pool(NULL, 4096);
	char *first = mempool_tree_alloc(pool, 3000);
	char *p = mempool_tree_alloc(pool, 1000);
	char *child = mempool_tree_alloc(NULL, 1);

	assert_non_null(mempool_tree_steal(p, child));
	memset(p, 'p', 1000);
	mempool_tree_free(first);
	p = mempool_tree_realloc(NULL, p, 4096);
	assert_ptr_equal(p, first);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(p[i], 'p');
	assert_ptr_equal(mempool_tree_parent(child), p);
	assert_int_equal(mempool_tree_pool_left(pool), 0);
	mempool_tree_check(pool);
	mempool_tree_free(pool);
}

static void a_stolen_node_grows_where_it_lies(void)
{
	void *pool = mempool_tree_pool(NULL, 4096);
	char *a = mempool_tree_alloc(pool, 100);
	char *b = mempool_tree_alloc(pool, 100), *moved;

	assert_ptr_equal(mempool_tree_steal(NULL, a), a);
	assert_ptr_equal(mempool_tree_steal(NULL, b), b);
	mempool_tree_free(pool);
	moved = mempool_tree_realloc(NULL, a, 200);
	assert_true(inside(pool, moved, 8192) && moved > b);
	mempool_tree_free(moved);
	assert_ptr_equal(mempool_tree_realloc(NULL, b, 1000), a);
	mempool_tree_free(a);
}

/* Any order of sizes: what a node holds stays, and nothing overlaps. */
static void nodes_that_shrink_and_grow_keep_their_bytes(void)
{
	void *pool = mempool_tree_pool(NULL, 4096);
	unsigned char *p[8] = { NULL };
	uint32_t random = 1;

	for (unsigned round = 0; round < 20000; round++) {
		unsigned i = round % 8;
		size_t size, had = mempool_tree_size(p[i]);

		random = random * 1664525 + 1013904223;
		size = (random >> 16) % (random >> 30 ? 100 : 1200);
		for (size_t k = 0; k < had; k++)
			assert_int_equal(p[i][k], i);
		p[i] = mempool_tree_realloc(pool, p[i], size);
		if (p[i])
			memset(p[i], (int)i, size);
		mempool_tree_check(pool);
	}
	mempool_tree_free_children(pool);
	assert_int_equal(mempool_tree_pool_left(pool), 4096);
	mempool_tree_free(pool);
}

static void a_stolen_node_keeps_the_block(void)
{
	void *pool = mempool_tree_pool(NULL, 1000), *root = make(NULL, "r");
	char *p = mempool_tree_alloc(pool, 100), *q;

	strcpy(p, "text");
	mempool_tree_steal(root, p);
	assert_int_equal(mempool_tree_free(pool), 0);
	assert_string_equal(p, "text");
	q = mempool_tree_alloc(p, 100);
	assert_true(inside(p - 200, q, 4096));
	strcpy(q, "more");
	mempool_tree_check(root);
	mempool_tree_free(root);
}

static void stealing_to_another_tree_and_back_loses_nothing(void)
{
	void *pool = mempool_tree_pool(NULL, 4000);
	void *tree = mempool_tree_create(NULL), *p[4];

	for (int i = 0; i < 4; i++) {
		p[i] = mempool_tree_alloc(pool, 500);
		memset(p[i], i, 500);
	}
	assert_ptr_equal(mempool_tree_steal(tree, p[1]), p[1]);
	assert_ptr_equal(mempool_tree_steal(tree, p[2]), p[2]);
	mempool_tree_check(tree);
	mempool_tree_check(pool);
	mempool_tree_free(p[0]);
	mempool_tree_free(p[1]);
	mempool_tree_free(p[3]);
	assert_int_equal(((char *)p[2])[499], 2);
	mempool_tree_steal(pool, p[2]);
	mempool_tree_check(pool);
	mempool_tree_free(p[2]);
	assert_int_equal(mempool_tree_pool_left(pool), 4000);
	mempool_tree_free(tree);
	mempool_tree_free(pool);
}

static void a_pool_may_have_bytes_of_its_own(void)
{
	char *pool = mempool_tree_pool_named(NULL, 100, 1000, "pool");

	memset(pool, 0xff, 100);
	assert_int_equal(mempool_tree_size(pool), 100);
	assert_int_equal(mempool_tree_pool_left(pool), 1000);
	assert_true((char *)mempool_tree_alloc(pool, 10) > pool + 100);
	assert_string_equal(mempool_tree_name(pool), "pool");
	mempool_tree_free(pool);
}

static void sizes_without_sense_are_refused(void)
{
	assert_refused(mempool_tree_pool(NULL, 0), EINVAL);
	assert_refused(mempool_tree_pool(NULL, SIZE_MAX), ENOMEM);
	assert_null(mempool_tree_pool_named(NULL, SIZE_MAX, 10, NULL));
	assert_refused(mempool_tree_pool(NULL, (size_t)1 << 50), ENOMEM);
}

static void a_pool_in_a_pool_has_a_block_of_its_own(void)
{
	void *outer = mempool_tree_pool(NULL, 10000);
	void *inner = mempool_tree_pool(outer, 1000);
	void *p = mempool_tree_alloc(inner, 600);

	assert_int_equal(mempool_tree_pool_left(outer), 10000);
	assert_int_equal(mempool_tree_pool_left(p), 400);
	assert_int_equal(mempool_tree_free(outer), 0);
}

static void a_large_pool_is_its_trees_source_too(void)
{
	const struct mempool_options less = { .limit = 6 << 20 };
	mempool_pages_t *pages = mempool_pages_create(&less);
	void *tree = mempool_tree_create(
		&(struct mempool_options){ .pages = pages });

	assert_refused(mempool_tree_pool(tree, 5 << 20), ENOMEM);
	mempool_tree_free(tree);
	mempool_pages_check(pages);
	mempool_pages_destroy(pages);
}

static void a_second_free_in_a_pool(void)
{
	void *pool = mempool_tree_pool(NULL, 1000), *p;

	p = mempool_tree_alloc(pool, 100);
	mempool_tree_free(p);
	mempool_tree_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(the_seeds_example_holds_as_written),
		APART(all_of_a_pool_can_be_used_in_pieces_of_64),
		APART(what_is_freed_comes_back_when_all_above_is_free),
		APART(gaps_join_below_a_node_that_lives),
		APART(a_node_grows_in_place_at_the_top_and_moves_elsewhere),
		APART(a_node_shrinks_below_another_and_its_rest_comes_back),
		APART(alone_in_a_pool_a_node_that_grows_gets_all_of_it),
		APART(a_stolen_node_grows_where_it_lies),
		APART(nodes_that_shrink_and_grow_keep_their_bytes),
		APART(a_stolen_node_keeps_the_block),
		APART(stealing_to_another_tree_and_back_loses_nothing),
		APART(a_pool_may_have_bytes_of_its_own),
		APART(sizes_without_sense_are_refused),
		APART(a_pool_in_a_pool_has_a_block_of_its_own),
		APART(a_large_pool_is_its_trees_source_too),
		ABORTS(a_second_free_in_a_pool, "double free"),
	};

	return cmocka_run_group_tests_name("tree_pool", tests, NULL, NULL);
}
