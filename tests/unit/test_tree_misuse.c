/* SPDX-License-Identifier: MIT */
/*
 * test_tree_misuse.c - what trees say of crimes.
 */
#include "trees.h"

static void a_second_free(void)
{
	void *p = mempool_tree_alloc(NULL, 40);

	leave_to_tools();
	mempool_tree_free(p);
	mempool_tree_free(p);
}

static void a_second_free_of_a_large_node(void)
{
	void *root = mempool_tree_alloc(NULL, 40);
	void *p = mempool_tree_alloc(root, 500);

	leave_to_tools();
	mempool_tree_free(p);
	mempool_tree_free(p);
}

static void a_child_of_a_freed_node(void)
{
	void *p = mempool_tree_alloc(NULL, 40);

	leave_to_tools();
	mempool_tree_free(p);
	p = mempool_tree_alloc(p, 40);
}

static void a_free_of_mallocs_memory(void)
{
	leave_to_tools();
	mempool_tree_free(malloc(100));
}

static void a_free_of_the_middle_of_a_node(void)
{
	char *p = mempool_tree_zalloc(NULL, 64);

	leave_to_tools();
	mempool_tree_free(p + 16);
}

static void a_free_of_the_stack(void)
{
	char bytes[256] __attribute__((aligned(16))) = "";

	leave_to_tools();
	mempool_tree_free(bytes + 64);
}

static void a_question_to_a_stranger(void)
{
	leave_to_tools();
	mempool_tree_parent(calloc(1, 100));
}

static void a_steal_to_a_stranger(void)
{
	leave_to_tools();
	mempool_tree_steal(malloc(100), mempool_tree_alloc(NULL, 1));
}

static void a_copied_header(void)
{
	char *p = mempool_tree_alloc(NULL, 8);
	char *copy = aligned_alloc(16, 64);

	leave_to_tools();
	memcpy(copy, p - 48, 56);
	mempool_tree_free(copy + 48);
}

static int shout(void *p)
{
	fprintf(stderr, "destructor of %p\n", p);
	return 0;
}

static void an_overrun_into_the_header_of_a_node_with_a_destructor(void)
{
	void *pool = mempool_tree_pool(NULL, 1024);
	char *p = mempool_tree_alloc(pool, 4), *q = mempool_tree_alloc(pool, 4);

	leave_to_tools();
	mempool_tree_set_destructor(q, shout);
	memset(p, 0, 32);
	mempool_tree_free(pool);
}

static void tell(const void *node, bool freed)
{
	(void)node;
	fputs(freed ? "told of a freed node\n" : "told of a stranger\n",
	      stderr);
}

static void who_asked_is_told_of_a_second_free_before_the_line(void)
{
	mempool_tree_on_misuse(tell);
	a_second_free();
}

static void who_asked_is_told_of_a_stranger_before_the_line(void)
{
	mempool_tree_on_misuse(tell);
	a_question_to_a_stranger();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ABORTS(a_second_free, "double free"),
		ABORTS(a_second_free_of_a_large_node, "double free"),
		ABORTS(a_child_of_a_freed_node, "use after free"),
		ABORTS(a_free_of_mallocs_memory, "invalid free"),
		ABORTS(a_free_of_the_middle_of_a_node, "invalid free"),
		ABORTS(a_free_of_the_stack, "invalid free"),
		ABORTS(a_question_to_a_stranger, "foreign pointer"),
		ABORTS(a_steal_to_a_stranger, "foreign pointer"),
		ABORTS(a_copied_header, "invalid free"),
		ABORTS(an_overrun_into_the_header_of_a_node_with_a_destructor,
		       "libmempool: use of a foreign pointer"),
		ABORTS(who_asked_is_told_of_a_second_free_before_the_line,
		       "told of a freed node\nlibmempool: double free"),
		ABORTS(who_asked_is_told_of_a_stranger_before_the_line,
		       "told of a stranger\nlibmempool: use of a foreign"),
	};

	return cmocka_run_group_tests_name("tree_misuse", tests, NULL, NULL);
}
