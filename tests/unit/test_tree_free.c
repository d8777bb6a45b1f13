/* SPDX-License-Identifier: MIT */
/*
 * test_tree_free.c - freeing, destructors, references, stealing.
 */
#include "trees.h"

enum { DEEP = 1000000, WIDE = 100000 };

static void a_parent_goes_before_its_children_the_youngest_first(void)
{
	void *root = make(NULL, "r"), *a = make(root, "a");

	make(a, "1");
	make(a, "2");
	make(root, "b");
	assert_int_equal(mempool_tree_free(root), 0);
	assert_string_equal(gone, "rba21");
}

static void a_chain_of_a_million_is_freed_in_constant_stack(void)
{
	void *root = mempool_tree_alloc(NULL, 1), *p = root;
	struct rlimit small = { 64 << 10, 64 << 10 };

	for (int i = 0; i < DEEP; i++)
		p = mempool_tree_alloc(p, 8);
	assert_int_equal(setrlimit(RLIMIT_STACK, &small), 0);
	assert_int_equal(mempool_tree_total_blocks(root), DEEP + 1);
	assert_int_equal(mempool_tree_free(root), 0);
}

static void so_is_one_with_a_destructor_at_its_end(void)
{
	void *root = make(NULL, "r"), *p = root;
	struct rlimit small = { 64 << 10, 64 << 10 };

	for (int i = 0; i < DEEP; i++)
		p = mempool_tree_alloc(p, 8);
	make(p, "e");
	for (int i = 0; i < WIDE; i++)
		p = mempool_tree_alloc(root, 8);
	assert_int_equal(setrlimit(RLIMIT_STACK, &small), 0);
	assert_int_equal(mempool_tree_free(root), 0);
	assert_string_equal(gone, "re");
}

static void a_refused_free_changes_nothing(void)
{
	void *root = make(NULL, "r"), *a = make(root, "a"), *b = make(a, "b");

	mempool_tree_set_destructor(a, refuse);
	assert_errno(mempool_tree_free(a), EBUSY);
	assert_ptr_equal(mempool_tree_parent(a), root);
	assert_ptr_equal(mempool_tree_parent(b), a);
	mempool_tree_check(root);
	mempool_tree_set_destructor(a, NULL);
	assert_int_equal(mempool_tree_free(root), 0);
	assert_string_equal(gone, "rb");
}

static void a_child_that_refuses_is_passed_up_to_who_stays(void)
{
	void *root = make(NULL, "r"), *a = make(root, "a"), *b = make(a, "b");
	void *c = make(b, "c");

	make(c, "d");
	mempool_tree_set_destructor(c, refuse);
	assert_int_equal(mempool_tree_free(a), 0);
	assert_string_equal(gone, "ab");
	assert_ptr_equal(mempool_tree_parent(c), root);
	assert_int_equal(refusals, 2);
	mempool_tree_check(root);
	assert_int_equal(mempool_tree_free(root), 0);
	assert_null(mempool_tree_parent(c));
	mempool_tree_set_destructor(c, note);
	assert_int_equal(mempool_tree_free(c), 0);
	assert_string_equal(gone, "abrcd");
}

static void freed_children_leave_the_node_and_its_name(void)
{
	void *root = make(NULL, "r"), *a = make(root, "a"), *b = make(a, "b");

	make(a, "c");
	mempool_tree_set_name(a, "%s", "made");
	assert_int_equal(mempool_tree_free_children(a), 0);
	assert_string_equal(gone, "cb");
	assert_string_equal(mempool_tree_name(a), "made");
	assert_int_equal(mempool_tree_total_blocks(a), 2);
	b = make(a, "b");
	mempool_tree_set_destructor(b, refuse);
	assert_int_equal(mempool_tree_free_children(a), -EBUSY);
	assert_ptr_equal(mempool_tree_parent(b), root);
	assert_int_equal(mempool_tree_free(a), 0);
	mempool_tree_check(root);
}

/* --- destructors that do things --- */

static void *other;
static int result;

static int free_itself(void *node)
{
	result = mempool_tree_free(node);
	return 0;
}

static int free_other(void *node)
{
	(void)node;
	result = mempool_tree_free(other);
	return 0;
}

static int steal_other(void *node)
{
	mempool_tree_steal(NULL, other);
	return note(node);
}

static int flee(void *node)
{
	return mempool_tree_steal(other, node) ? -1 : 0;
}

static int make_child(void *node)
{
	make(node, "n");
	return 0;
}

static void a_destructor_cannot_free_its_own_node(void)
{
	void *p = make(NULL, "p");

	mempool_tree_set_destructor(p, free_itself);
	assert_int_equal(mempool_tree_free(p), 0);
	assert_int_equal(result, -EBUSY);
}

static void a_destructor_may_free_its_sibling_and_its_child(void)
{
	void *root = make(NULL, "r"), *a, *b;

	other = make(root, "o");
	a = make(root, "a");
	mempool_tree_set_destructor(a, free_other);
	assert_int_equal(mempool_tree_free(root), 0);
	assert_string_equal(gone, "ro");

	b = make(NULL, "b");
	other = make(b, "c");
	mempool_tree_set_destructor(b, free_other);
	assert_int_equal(mempool_tree_free(b), 0);
	assert_string_equal(gone, "roc");
}

static void a_destructor_may_free_what_is_above_it(void)
{
	void *root = make(NULL, "r"), *a = make(root, "a"), *b = make(a, "b");

	other = root;
	make(root, "s");
	mempool_tree_set_destructor(b, free_other);
	assert_int_equal(mempool_tree_free(a), 0);
	assert_int_equal(result, 0);
	assert_string_equal(gone, "ars");
}

static void a_destructor_may_save_others(void)
{
	void *root = make(NULL, "r"), *a = make(root, "a");

	other = make(a, "o");
	mempool_tree_set_destructor(root, steal_other);
	assert_int_equal(mempool_tree_free(root), 0);
	assert_string_equal(gone, "ra");
	assert_null(mempool_tree_parent(other));
	mempool_tree_check(other);
	mempool_tree_free(other);
}

static void a_destructor_may_save_its_own_node(void)
{
	void *root = make(NULL, "r"), *a = make(root, "a"), *b = make(a, "b");

	other = make(NULL, "o");
	mempool_tree_set_destructor(b, flee);
	assert_int_equal(mempool_tree_free(root), 0);
	assert_ptr_equal(mempool_tree_parent(b), other);
	mempool_tree_check(other);
}

static void a_child_made_by_a_destructor_goes_as_well(void)
{
	void *root = make(NULL, "r");

	mempool_tree_set_destructor(root, make_child);
	assert_int_equal(mempool_tree_free(root), 0);
	assert_string_equal(gone, "n");
}

/* --- references --- */

static void a_referenced_node_is_not_freed_but_handed_over(void)
{
	void *root = make(NULL, "r"), *a = make(root, "a");
	void *b = make(root, "b"), *x = make(a, "x");

	assert_ptr_equal(mempool_tree_reference(b, x), x);
	assert_int_equal(mempool_tree_references(x), 1);
	assert_int_equal(mempool_tree_free(x), -EBUSY);
	assert_refused(mempool_tree_realloc(NULL, x, 1000), EBUSY);
	assert_int_equal(mempool_tree_total_size(root), 4 * 24);
	assert_int_equal(mempool_tree_total_blocks(root), 5);
	mempool_tree_check(root);
	assert_int_equal(mempool_tree_free(a), 0);
	assert_ptr_equal(mempool_tree_parent(x), b);
	assert_int_equal(mempool_tree_references(x), 0);
	assert_int_equal(mempool_tree_free(root), 0);
	assert_string_equal(gone, "arbx");
}

static void the_youngest_reference_inherits(void)
{
	void *a = make(NULL, "a"), *b = make(NULL, "b"), *c = make(NULL, "c");
	void *x = make(a, "x");

	mempool_tree_reference(b, x);
	mempool_tree_reference(c, x);
	mempool_tree_free(a);
	assert_ptr_equal(mempool_tree_parent(x), c);
	assert_int_equal(mempool_tree_references(x), 1);
	mempool_tree_free(b);
	assert_int_equal(mempool_tree_references(x), 0);
	mempool_tree_free(c);
	assert_string_equal(gone, "abcx");
}

static void a_root_with_one_reference_goes_to_its_holder(void)
{
	void *x = make(NULL, "x"), *a = make(NULL, "a"), *b = make(NULL, "b");

	mempool_tree_reference(a, x);
	mempool_tree_reference(b, x);
	assert_int_equal(mempool_tree_free(x), -EBUSY);
	assert_int_equal(mempool_tree_unlink(b, x), 0);
	assert_int_equal(mempool_tree_free(x), 0);
	assert_ptr_equal(mempool_tree_parent(x), a);
	mempool_tree_free(a);
	assert_string_equal(gone, "ax");
	mempool_tree_free(b);
}

static void unlink_takes_one_parent(void)
{
	void *a = make(NULL, "a"), *b = make(NULL, "b"), *x = make(a, "x");

	assert_int_equal(mempool_tree_unlink(b, x), -ENOENT);
	assert_int_equal(mempool_tree_unlink(NULL, x), -ENOENT);
	mempool_tree_reference(b, x);
	assert_int_equal(mempool_tree_unlink(a, x), 0);
	assert_ptr_equal(mempool_tree_parent(x), b);
	assert_int_equal(mempool_tree_unlink(a, x), -ENOENT);
	mempool_tree_set_destructor(x, refuse);
	assert_int_equal(mempool_tree_unlink(b, x), -EBUSY);
	mempool_tree_set_destructor(x, note);
	assert_int_equal(mempool_tree_unlink(b, x), 0);
	assert_string_equal(gone, "x");
	mempool_tree_reference(NULL, a);
	assert_int_equal(mempool_tree_references(a), 1);
	assert_int_equal(mempool_tree_unlink(NULL, a), 0);
	assert_int_equal(mempool_tree_references(a), 0);
	mempool_tree_free(a);
	mempool_tree_free(b);
}

static void references_from_below_do_not_keep_a_node(void)
{
	void *a = make(NULL, "a"), *x = make(a, "x"), *y = make(x, "y");

	mempool_tree_reference(y, x);
	mempool_tree_reference(x, x);
	mempool_tree_check(a);
	assert_int_equal(mempool_tree_free(x), 0);
	assert_string_equal(gone, "xy");
	x = make(a, "x");
	mempool_tree_reference(make(x, "y"), x);
	assert_int_equal(mempool_tree_free(a), 0);
	assert_string_equal(gone, "xyaxy");
}

static void who_held_itself_last_is_left_to_the_program(void)
{
	void *top = make(NULL, "t"), *a = make(top, "a"), *x = make(a, "x");

	mempool_tree_reference(top, x);
	mempool_tree_reference(make(x, "y"), x);
	assert_int_equal(mempool_tree_free(a), 0);
	assert_null(mempool_tree_parent(x));
	assert_int_equal(mempool_tree_references(x), 0);
	assert_int_equal(mempool_tree_free(top), 0);
	assert_string_equal(gone, "at");
	mempool_tree_check(x);
	assert_int_equal(mempool_tree_free(x), 0);
	assert_string_equal(gone, "atxy");
}

static void who_held_itself_ends_with_all_others_who_hold_it(void)
{
	void *root = make(NULL, "r"), *a = make(root, "a"),
	     *b = make(root, "b");

	mempool_tree_reference(root, a);
	mempool_tree_reference(a, b);
	mempool_tree_reference(b, a);
	assert_int_equal(mempool_tree_free(root), 0);
	assert_int_equal(strlen(gone), 3);
}

static void two_that_refer_to_each_other_end_with_their_root(void)
{
	void *root = make(NULL, "r"), *a = make(root, "a"),
	     *b = make(root, "b");

	mempool_tree_reference(a, b);
	mempool_tree_reference(b, a);
	mempool_tree_reference(root, a);
	mempool_tree_reference(b, root);
	mempool_tree_check(root);
	assert_int_equal(mempool_tree_free(root), 0);
	assert_int_equal(strlen(gone), 3);
}

/* --- stealing --- */

static void stealing_changes_the_parent(void)
{
	void *a = make(NULL, "a"), *b = make(NULL, "b"), *x = make(a, "x");

	make(x, "y");
	assert_ptr_equal(mempool_tree_steal(b, x), x);
	assert_ptr_equal(mempool_tree_parent(x), b);
	mempool_tree_free(a);
	assert_string_equal(gone, "a");
	assert_ptr_equal(mempool_tree_steal(NULL, x), x);
	assert_null(mempool_tree_parent(x));
	assert_int_equal(mempool_tree_total_blocks(b), 1);
	assert_ptr_equal(mempool_tree_steal(x, b), b);
	mempool_tree_check(x);
	mempool_tree_free(x);
	assert_string_equal(gone, "axby");
}

static void a_node_cannot_go_below_itself(void)
{
	void *a = make(NULL, "a"), *b = make(a, "b"), *c = make(b, "c");

	assert_refused(mempool_tree_steal(c, a), EINVAL);
	assert_null(mempool_tree_steal(a, a));
	assert_ptr_equal(mempool_tree_steal(a, b), b);
	mempool_tree_check(a);
	assert_int_equal(mempool_tree_total_blocks(a), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_parent_goes_before_its_children_the_youngest_first),
		APART(a_chain_of_a_million_is_freed_in_constant_stack),
		APART(so_is_one_with_a_destructor_at_its_end),
		APART(a_refused_free_changes_nothing),
		APART(a_child_that_refuses_is_passed_up_to_who_stays),
		APART(freed_children_leave_the_node_and_its_name),
		APART(a_destructor_cannot_free_its_own_node),
		APART(a_destructor_may_free_its_sibling_and_its_child),
		APART(a_destructor_may_free_what_is_above_it),
		APART(a_destructor_may_save_others),
		APART(a_destructor_may_save_its_own_node),
		APART(a_child_made_by_a_destructor_goes_as_well),
		APART(a_referenced_node_is_not_freed_but_handed_over),
		APART(the_youngest_reference_inherits),
		APART(a_root_with_one_reference_goes_to_its_holder),
		APART(unlink_takes_one_parent),
		APART(references_from_below_do_not_keep_a_node),
		APART(who_held_itself_last_is_left_to_the_program),
		APART(who_held_itself_ends_with_all_others_who_hold_it),
		APART(two_that_refer_to_each_other_end_with_their_root),
		APART(stealing_changes_the_parent),
		APART(a_node_cannot_go_below_itself),
	};

	return cmocka_run_group_tests_name("tree_free", tests, NULL, NULL);
}
