/* SPDX-License-Identifier: MIT */
/*
 * test_tree_whole.c - large trees are freed whose nodes go many ways: to the
 * lists of the stock, which get full, and past them.
 */
#include "trees.h"

#include "mempool/small.h"
#include "sources.h"

static void *whole;

static int look_around(void *node)
{
	mempool_tree_check(whole);
	return note(node);
}

/* Nodes of all sizes below one another, and beside each a few others. */
static void *of_all_sizes(void)
{
	void *root = mempool_tree_alloc(NULL, 64), *p = root;

	for (size_t i = 0; i < 3000; i++) {
		p = mempool_tree_alloc(i % 3 ? p : root, i * 7 % 1500);
		assert_non_null(p);
		assert_non_null(mempool_tree_alloc(p, 1600));
		assert_non_null(mempool_tree_alloc(p, 64));
	}
	mempool_tree_check(root);
	return root;
}

static void a_tree_of_all_sizes_goes_as_a_whole(void)
{
	void *first = of_all_sizes(), *second = of_all_sizes();
	size_t bytes = mempool_tree_total_size(first);

	assert_int_equal(stats_of("trees").live, 2 * 9001);
	assert_int_equal(stats_of("trees").live_bytes, 2 * bytes);
	assert_int_equal(mempool_tree_free(first), 0);
	assert_int_equal(stats_of("trees").live, 9001);
	assert_int_equal(stats_of("trees").live_bytes, bytes);
	assert_int_equal(mempool_tree_free(second), 0);
	assert_int_equal(stats_of("trees").live, 0);
	assert_int_equal(stats_of("trees").live_bytes, 0);
}

static void a_tree_goes_as_a_whole_with_border(size_t small_max)
{
	struct mempool_small_options o = { .small_max = small_max };

	assert_int_equal(mempool_small_setup(&o), 0);
	a_tree_of_all_sizes_goes_as_a_whole();
	mempool_small_check();
}

static void so_it_does_where_the_small_heap_serves_all_its_sizes(void)
{
	a_tree_goes_as_a_whole_with_border(MEMPOOL_SMALL_WIDEST);
}

static void so_it_does_where_the_small_heap_serves_hardly_any(void)
{
	a_tree_goes_as_a_whole_with_border(16);
}

static void a_destructor_sees_a_tree_that_is_whole(void)
{
	void *p = whole = of_all_sizes();

	for (unsigned i = 0; i < 4; i++) {
		p = mempool_tree_alloc_named(whole, 1600, "d");
		assert_non_null(mempool_tree_alloc(whole, 64));
		p = mempool_tree_alloc_named(p, 64, "e");
		mempool_tree_set_destructor(p, look_around);
		assert_non_null(mempool_tree_alloc(mempool_tree_parent(p), 8));
	}
	assert_int_equal(mempool_tree_free(whole), 0);
	assert_string_equal(gone, "eeee");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_tree_of_all_sizes_goes_as_a_whole),
		APART(so_it_does_where_the_small_heap_serves_all_its_sizes),
		APART(so_it_does_where_the_small_heap_serves_hardly_any),
		APART(a_destructor_sees_a_tree_that_is_whole),
	};

	return cmocka_run_group_tests_name("tree_whole", tests, NULL, NULL);
}
