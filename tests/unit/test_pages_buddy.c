/* SPDX-License-Identifier: MIT */
/*
 * test_pages_buddy.c - the tree of bits that knows which blocks are free.
 */
#include "unit/apart.h"

#include "pool/pages_buddy.h"
#include "unit/sources.h"

static struct buddy tree;

static void start(void)
{
	memset(&tree, 0, sizeof(tree));
	buddy_start(&tree);
}

static void assert_sound(void)
{
	const char *wrong = buddy_check(&tree);

	if (wrong)
		fail_msg("%s", wrong);
}

static void assert_whole(void)
{
	assert_sound();
	assert_int_equal(buddy_top(&tree), MEMPOOL_MAX_ORDER);
	assert_int_equal(tree.count[MEMPOOL_MAX_ORDER], 1);
	assert_int_equal(tree.orders, 1 << MEMPOOL_MAX_ORDER);
	assert_int_equal(tree.pages, 0);
}

static void a_new_tree_is_one_free_block_of_the_highest_order(void **state)
{
	(void)state;
	start();
	assert_whole();
}

static void a_split_leaves_one_free_block_of_each_order_between(void **state)
{
	(void)state;
	start();
	assert_int_equal(buddy_take(&tree, 0), 0);
	assert_sound();
	for (unsigned o = 0; o < MEMPOOL_MAX_ORDER; o++)
		assert_int_equal(tree.count[o], 1);
	assert_int_equal(tree.count[MEMPOOL_MAX_ORDER], 0);
	assert_int_equal(buddy_top(&tree), MEMPOOL_MAX_ORDER - 1);
	assert_null(buddy_give(&tree, 0, 0));
	assert_whole();
}

static void the_smallest_free_block_that_fits_is_split(void **state)
{
	(void)state;
	start();
	assert_int_equal(buddy_take(&tree, 3), 0);
	assert_int_equal(buddy_take(&tree, 0), 8);
	assert_int_equal(buddy_take(&tree, 0), 9);
	assert_int_equal(buddy_take(&tree, 1), 10);
	assert_int_equal(buddy_take(&tree, 2), 12);
	assert_int_equal(buddy_take(&tree, 4), 16);
	assert_sound();
}

static void each_order_fills_the_tree_and_empties_it(void **state)
{
	(void)state;
	for (unsigned o = 0; o <= MEMPOOL_MAX_ORDER; o++) {
		unsigned n = BUDDY_PAGES >> o;

		start();
		for (unsigned i = 0; i < n; i++) {
			assert_true(buddy_top(&tree) >= (int)o);
			assert_int_equal(buddy_take(&tree, o), i << o);
		}
		assert_sound();
		assert_int_equal(buddy_top(&tree), -1);
		assert_int_equal(tree.pages, BUDDY_PAGES);
		/* Even ones first: nothing joins until the odd ones come. */
		for (unsigned i = 0; i < n; i += 2)
			assert_null(buddy_give(&tree, i << o, o));
		assert_sound();
		assert_int_equal(buddy_top(&tree), o);
		for (unsigned i = 1; i < n; i += 2)
			assert_null(buddy_give(&tree, i << o, o));
		assert_whole();
	}
}

static void neighbours_that_are_no_buddies_do_not_join(void **state)
{
	(void)state;
	start();
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(buddy_take(&tree, 0), i);
	assert_null(buddy_give(&tree, 1, 0));
	assert_null(buddy_give(&tree, 2, 0));
	assert_int_equal(tree.count[0], 2);
	assert_null(buddy_give(&tree, 0, 0));
	assert_int_equal(tree.count[0], 1);
	assert_int_equal(tree.count[1], 1);
	assert_sound();
}

static void crimes_are_named_and_change_nothing(void **state)
{
	struct buddy before;

	(void)state;
	start();
	assert_int_equal(buddy_take(&tree, 3), 0);
	assert_int_equal(buddy_take(&tree, 0), 8);
	before = tree;
	assert_string_equal(buddy_give(&tree, 0, 2),
			    "free with the wrong order");
	assert_string_equal(buddy_give(&tree, 0, 4),
			    "free with the wrong order");
	assert_string_equal(buddy_give(&tree, 0, MEMPOOL_MAX_ORDER),
			    "free with the wrong order");
	assert_string_equal(buddy_give(&tree, 4, 2), "invalid free");
	assert_string_equal(buddy_give(&tree, 1, 3), "invalid free");
	assert_string_equal(buddy_give(&tree, 9, 0), "double free");
	assert_string_equal(buddy_give(&tree, 512, 9), "double free");
	assert_string_equal(buddy_give(&tree, 700, 0), "double free");
	assert_memory_equal(&tree, &before, sizeof(tree));
	assert_null(buddy_give(&tree, 0, 3));
	assert_string_equal(buddy_give(&tree, 0, 3), "double free");
}

/* Beside it an owner for each page: nothing overlaps, nothing is lost. */
static void any_sequence_keeps_blocks_apart(void **state)
{
	static unsigned char owner[BUDDY_PAGES];
	static struct {
		unsigned page, order;
	} held[BUDDY_PAGES];
	uint64_t random = 4711;
	unsigned n = 0, pages = 0;

	(void)state;
	start();
	for (unsigned i = 0; i < 100000; i++) {
		unsigned order = (unsigned)below(&random, 6) *
				 (unsigned)below(&random, 3);

		if (buddy_top(&tree) >= (int)order &&
		    below(&random, 100) < 50 + i / 1000 % 10) {
			unsigned page = buddy_take(&tree, order);

			assert_int_equal(page & ((1u << order) - 1), 0);
			for (unsigned p = page; p < page + (1u << order); p++)
				assert_int_equal(owner[p]++, 0);
			held[n].page = page;
			held[n++].order = order;
			pages += 1u << order;
		} else if (n) {
			unsigned k = (unsigned)below(&random, n);
			unsigned page = held[k].page, o = held[k].order;

			assert_null(buddy_give(&tree, page, o));
			for (unsigned p = page; p < page + (1u << o); p++)
				owner[p]--;
			pages -= 1u << o;
			held[k] = held[--n];
		}
		assert_int_equal(tree.pages, pages);
		if (i % 16 == 0)
			assert_sound();
	}
	while (n--)
		assert_null(buddy_give(&tree, held[n].page, held[n].order));
	assert_whole();
}

static void a_broken_tree_is_found(void **state)
{
	(void)state;
	start();
	buddy_take(&tree, 0);
	tree.free[BUDDY_PAGES / 64] |= 1;
	assert_non_null(buddy_check(&tree));
	start();
	tree.count[3]++;
	assert_non_null(buddy_check(&tree));
	start();
	tree.pages++;
	assert_non_null(buddy_check(&tree));
	start();
	tree.free[0] = 0;
	assert_non_null(buddy_check(&tree));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_new_tree_is_one_free_block_of_the_highest_order),
		cmocka_unit_test(
			a_split_leaves_one_free_block_of_each_order_between),
		cmocka_unit_test(the_smallest_free_block_that_fits_is_split),
		cmocka_unit_test(each_order_fills_the_tree_and_empties_it),
		cmocka_unit_test(neighbours_that_are_no_buddies_do_not_join),
		cmocka_unit_test(crimes_are_named_and_change_nothing),
		cmocka_unit_test(any_sequence_keeps_blocks_apart),
		cmocka_unit_test(a_broken_tree_is_found),
	};

	return cmocka_run_group_tests_name("pages_buddy", tests, NULL, NULL);
}
