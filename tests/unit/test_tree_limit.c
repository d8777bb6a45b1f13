/* SPDX-License-Identifier: MIT */
/*
 * test_tree_limit.c - nodes that may hold so much and no more.
 */
#include "trees.h"

enum { HEADER = MEMPOOL_TREE_HEADER };

static void *limited(const void *parent, const char *name, size_t limit)
{
	void *p = mempool_tree_alloc_named(parent, 0, name);

	assert_non_null(p);
	assert_int_equal(mempool_tree_set_limit(p, limit), 0);
	return p;
}

/* So many bytes, header not included, fit below `p` now. */
static void assert_room(const void *p, size_t bytes)
{
	void *node;

	assert_refused(mempool_tree_alloc(p, bytes + 1), ENOMEM);
	node = mempool_tree_alloc(p, bytes);
	assert_non_null(node);
	assert_int_equal(mempool_tree_free(node), 0);
}

static void all_below_is_counted_with_its_headers(void)
{
	void *p = limited(NULL, "p", 1600), *child, *names;

	assert_room(p, 1600 - 2 * HEADER);
	child = mempool_tree_alloc(p, 160);
	names = mempool_tree_strdup(child, "a string of 23 letters.");
	assert_non_null(names);
	assert_room(names, 1600 - 4 * HEADER - 160 - 32);
	assert_refused(mempool_tree_zalloc(child, 1600), ENOMEM);
	assert_refused(mempool_tree_array(child, 100, 16), ENOMEM);
	assert_refused(mempool_tree_printf(child, "%2000d", 1), ENOMEM);
	assert_refused(mempool_tree_pool(child, 1600), ENOMEM);
	assert_int_equal(mempool_tree_free(child), 0);
	assert_room(p, 1600 - 2 * HEADER);
	mempool_tree_free(p);
}

static void what_was_there_before_counts(void)
{
	void *p = mempool_tree_alloc(NULL, 16);
	void *child = mempool_tree_alloc(p, 160);

	assert_non_null(mempool_tree_alloc(child, 320));
	assert_int_equal(mempool_tree_set_limit(p, 100), 0);
	assert_refused(mempool_tree_alloc(child, 1), ENOMEM);
	assert_int_equal(mempool_tree_set_limit(p, 1600), 0);
	assert_room(child, 1600 - 16 - 160 - 320 - 4 * HEADER);
	mempool_tree_check(p);
	assert_int_equal(mempool_tree_free(p), 0);
}

static void a_limit_of_0_is_none(void)
{
	void *p = limited(NULL, "p", 100);

	assert_refused(mempool_tree_alloc(p, 100), ENOMEM);
	assert_int_equal(mempool_tree_set_limit(p, 0), 0);
	assert_non_null(mempool_tree_alloc(p, 100000));
	mempool_tree_free(p);
}

static void a_node_that_grows_is_refused_and_stays(void)
{
	void *p = limited(NULL, "p", 1600);
	char *child = mempool_tree_strdup(p, "here"), *more;

	assert_refused(mempool_tree_realloc(p, child, 1600), ENOMEM);
	assert_refused(mempool_tree_append(child, "%2000d", 1), ENOMEM);
	assert_string_equal(child, "here");
	more = mempool_tree_realloc(p, child, 1600 - 2 * HEADER);
	assert_non_null(more);
	assert_refused(mempool_tree_alloc(more, 0), ENOMEM);
	more = mempool_tree_realloc(p, more, 16);
	assert_room(more, 1600 - 3 * HEADER - 16);
	mempool_tree_free(p);
}

static void the_limited_node_itself_may_move(void)
{
	void *p = limited(NULL, "p", 1600), *child;

	p = mempool_tree_realloc(NULL, p, 640);
	child = mempool_tree_alloc(p, 0);
	assert_ptr_equal(mempool_tree_parent(child), p);
	assert_room(child, 1600 - 640 - 3 * HEADER);
	assert_int_equal(mempool_tree_set_limit(p, 3200), 0);
	assert_room(child, 3200 - 640 - 3 * HEADER);
	mempool_tree_free(p);
}

static void limits_above_and_below_hold_as_well(void)
{
	void *top = limited(NULL, "top", 3200), *middle, *low;

	middle = limited(mempool_tree_alloc(top, 0), "middle", 1600);
	low = limited(middle, "low", 6400);
	assert_room(low, 1600 - 3 * HEADER);
	assert_non_null(mempool_tree_alloc(top, 2000));
	assert_room(low, 3200 - 2000 - 6 * HEADER);
	assert_int_equal(mempool_tree_set_limit(middle, 320), 0);
	assert_room(low, 320 - 3 * HEADER);
	mempool_tree_check(top);
	assert_int_equal(mempool_tree_free(top), 0);
}

static void a_limit_between_two_is_of_both(void)
{
	void *top = limited(NULL, "top", 6400);
	void *middle = mempool_tree_alloc(top, 0);
	void *low = limited(middle, "low", 3200);

	assert_int_equal(mempool_tree_set_limit(middle, 1600), 0);
	assert_room(low, 1600 - 3 * HEADER);
	mempool_tree_check(top);
	assert_ptr_equal(mempool_tree_steal(NULL, low), low);
	assert_room(low, 3200 - 2 * HEADER);
	assert_room(middle, 1600 - 2 * HEADER);
	mempool_tree_free(top);
	mempool_tree_free(low);
}

static void who_moves_is_counted_where_it_is_even_beyond(void)
{
	void *one = limited(NULL, "one", 1600),
	     *two = limited(NULL, "two", 800);
	void *x = mempool_tree_alloc(one, 1000), *y = mempool_tree_alloc(x, 0);

	assert_ptr_equal(mempool_tree_steal(two, x), x);
	assert_room(one, 1600 - 2 * HEADER);
	assert_refused(mempool_tree_alloc(y, 0), ENOMEM);
	assert_refused(mempool_tree_alloc(two, 0), ENOMEM);
	mempool_tree_check(one);
	mempool_tree_check(two);
	assert_ptr_equal(mempool_tree_steal(NULL, x), x);
	assert_room(two, 800 - 2 * HEADER);
	assert_non_null(mempool_tree_alloc(y, 100000));
	mempool_tree_free(one);
	mempool_tree_free(two);
	mempool_tree_free(x);
}

static void a_limit_goes_with_its_node(void)
{
	void *one = limited(NULL, "one", 1600),
	     *two = limited(NULL, "two", 3200);
	void *x = limited(mempool_tree_alloc(one, 0), "x", 640);

	assert_ptr_equal(mempool_tree_steal(two, x), x);
	assert_room(one, 1600 - 3 * HEADER);
	assert_room(x, 640 - 2 * HEADER);
	assert_room(two, 3200 - 3 * HEADER);
	mempool_tree_check(two);
	mempool_tree_free(one);
	mempool_tree_free(two);
}

static void references_cross_limits(void)
{
	void *one = limited(NULL, "one", 1600),
	     *two = limited(NULL, "two", 1600);
	void *x = make(one, "x");

	make(x, "y");
	assert_ptr_equal(mempool_tree_reference(two, x), x);
	assert_room(two, 1600 - 3 * HEADER - 32);
	assert_int_equal(mempool_tree_free(one), 0);
	assert_ptr_equal(mempool_tree_parent(x), two);
	assert_room(two, 1600 - 4 * HEADER - 64);
	mempool_tree_check(two);
	assert_string_equal(gone, "");
	assert_int_equal(mempool_tree_free(two), 0);
	assert_string_equal(gone, "xy");
	two = limited(NULL, "two", 2 * HEADER);
	x = mempool_tree_alloc(NULL, 0);
	assert_refused(mempool_tree_reference(two, x), ENOMEM);
	mempool_tree_free(x);
	mempool_tree_free(two);
}

static void who_refuses_to_go_is_counted_where_it_stays(void)
{
	void *top = limited(NULL, "top", 1600), *low = limited(top, "low", 640);
	void *x = mempool_tree_alloc(low, 160);

	assert_int_equal(mempool_tree_set_destructor(x, refuse), 0);
	assert_int_equal(mempool_tree_free(low), 0);
	assert_ptr_equal(mempool_tree_parent(x), top);
	assert_room(x, 1600 - 160 - 3 * HEADER);
	assert_int_equal(mempool_tree_free(top), 0);
	assert_null(mempool_tree_parent(x));
	assert_non_null(mempool_tree_alloc(x, 100000));
	assert_int_equal(mempool_tree_set_destructor(x, NULL), 0);
	mempool_tree_check(x);
	mempool_tree_free(x);
}

static void *rescued;

static int escape(void *node)
{
	rescued = mempool_tree_steal(NULL, node);
	assert_non_null(mempool_tree_alloc(node, 5000));
	return -1;
}

static void a_destructor_may_take_its_node_out(void)
{
	void *p = limited(NULL, "p", 640), *x = mempool_tree_alloc(p, 0);
	struct mempool_stats s;

	assert_int_equal(mempool_tree_set_destructor(x, escape), 0);
	assert_int_equal(mempool_tree_set_destructor(p, escape), 0);
	assert_int_equal(mempool_tree_free(x), -EBUSY);
	assert_ptr_equal(rescued, x);
	assert_room(p, 640 - 2 * HEADER);
	mempool_tree_set_limit(p, 0);
	assert_int_equal(mempool_tree_free(p), -EBUSY);
	assert_int_equal(mempool_tree_set_destructor(p, NULL), 0);
	assert_int_equal(mempool_tree_set_destructor(x, NULL), 0);
	assert_int_equal(mempool_tree_free(p), 0);
	assert_int_equal(mempool_tree_free(x), 0);
	assert_false(tree_stats("p", &s));
}

static void a_pool_is_paid_for_once_and_its_headers_count(void)
{
	void *pool = mempool_tree_pool(NULL, 1000), *child, *more;

	assert_int_equal(mempool_tree_set_limit(pool, 1000), 0);
	assert_int_equal(mempool_tree_pool_left(pool), 1000 - HEADER);
	child = mempool_tree_alloc(pool, 400);
	assert_non_null(child);
	assert_int_equal(mempool_tree_pool_left(pool), 600 - 2 * HEADER);
	assert_refused(mempool_tree_alloc(pool, 600 - 2 * HEADER + 1), ENOMEM);
	more = mempool_tree_alloc(pool, 600 - 2 * HEADER);
	assert_non_null(more);
	assert_refused(mempool_tree_realloc(pool, child, 500), ENOMEM);
	mempool_tree_check(pool);
	mempool_tree_free(more);
	child = mempool_tree_realloc(pool, child, 1000 - HEADER);
	assert_non_null(child);
	assert_refused(mempool_tree_realloc(pool, child, 1000), ENOMEM);
	assert_int_equal(mempool_tree_set_limit(pool, 10000), 0);
	child = mempool_tree_realloc(pool, child, 1000);
	assert_non_null(child);
	assert_int_equal(mempool_tree_free(pool), 0);
}

static void a_pooled_child_that_moves_out_costs_nobody(void)
{
	void *pool = mempool_tree_pool(NULL, 1000), *other, *child;

	assert_int_equal(mempool_tree_set_limit(pool, 5000), 0);
	other = limited(NULL, "other", 640);
	child = mempool_tree_alloc(pool, 600);
	assert_ptr_equal(mempool_tree_steal(other, child), child);
	assert_room(other, 640 - 2 * HEADER);
	assert_int_equal(mempool_tree_pool_left(child), 400 - 2 * HEADER);
	assert_int_equal(mempool_tree_free(pool), 0);
	memset(child, 1, 600);
	assert_int_equal(mempool_tree_free(other), 0);
}

static void a_limit_has_a_row_in_the_statistics_until_it_ends(void)
{
	void *p = limited(NULL, "of mine", 1600), *x;
	struct mempool_stats s;

	x = mempool_tree_alloc(p, 100);
	assert_refused(mempool_tree_alloc(p, 1600), ENOMEM);
	assert_true(tree_stats("of mine", &s));
	assert_int_equal(s.live, 2);
	assert_int_equal(s.live_bytes, 100);
	assert_int_equal(s.failures, 1);
	mempool_tree_steal(NULL, x);
	assert_int_equal(mempool_tree_free(p), 0);
	assert_false(tree_stats("of mine", &s));
	mempool_tree_free(x);
}

static void a_created_tree_without_lock_has_limits_inside(void)
{
	struct mempool_options single = { .name = "base",
					  .limit = 3200,
					  .threading = MEMPOOL_SINGLE };
	void *base = mempool_tree_create(&single), *other, *x;
	struct mempool_stats s;

	x = limited(base, "inside", 6400);
	assert_room(x, 3200 - 3 * HEADER);
	other = mempool_tree_create(NULL);
	assert_refused(mempool_tree_steal(other, x), EXDEV);
	assert_refused(mempool_tree_reference(other, x), EXDEV);
	assert_int_equal(mempool_tree_set_limit(other, 100), -ENOTSUP);
	assert_ptr_equal(mempool_tree_steal(NULL, x), x);
	assert_int_equal(mempool_tree_free(base), 0);
	assert_true(tree_stats("base", &s));
	assert_int_equal(mempool_tree_free(x), 0);
	assert_false(tree_stats("base", &s));
	assert_false(tree_stats("inside", &s));
	mempool_tree_free(other);
}

static void nothing_has_no_limit(void)
{
	assert_int_equal(mempool_tree_set_limit(NULL, 10), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(all_below_is_counted_with_its_headers),
		APART(what_was_there_before_counts),
		APART(a_limit_of_0_is_none),
		APART(a_node_that_grows_is_refused_and_stays),
		APART(the_limited_node_itself_may_move),
		APART(limits_above_and_below_hold_as_well),
		APART(a_limit_between_two_is_of_both),
		APART(who_moves_is_counted_where_it_is_even_beyond),
		APART(a_limit_goes_with_its_node),
		APART(references_cross_limits),
		APART(who_refuses_to_go_is_counted_where_it_stays),
		APART(a_destructor_may_take_its_node_out),
		APART(a_pool_is_paid_for_once_and_its_headers_count),
		APART(a_pooled_child_that_moves_out_costs_nobody),
		APART(a_limit_has_a_row_in_the_statistics_until_it_ends),
		APART(a_created_tree_without_lock_has_limits_inside),
		APART(nothing_has_no_limit),
	};

	return cmocka_run_group_tests_name("tree_limit", tests, NULL, NULL);
}
