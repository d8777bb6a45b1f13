/* SPDX-License-Identifier: MIT */
/*
 * talloc_pool.c - the seed's example of a talloc pool, with our own names.
 *
 * Prints the bytes that are left in the pool after each step, and ends with 1
 * when one of them is not as the seed says.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "mempool.h"

static bool as_told = true;

static void show(const char *step, const void *pool, size_t expected)
{
	size_t left = mempool_tree_pool_left(pool);

	printf("%s: %zu left\n", step, left);
	as_told = as_told && left == expected;
}

static int say_goodbye(void *node)
{
	(void)node;
	puts("the block outside is freed as well");
	return 0;
}

int main(void)
{
	/* 1 KiB in a pool. */
	void *pool = mempool_tree_pool(NULL, 1024);
	char *first;
	void *outside, *third;

	show("a pool of 1024", pool, 1024);

	first = mempool_tree_alloc(pool, 512);
	memset(first, '1', 512);
	show("512 taken", pool, 512);

	/* 1024 are more than the 512: a block outside the pool. */
	outside = mempool_tree_alloc(first, 1024);
	mempool_tree_set_destructor(outside, say_goodbye);
	show("1024 from outside", pool, 512);

	third = mempool_tree_alloc(first, 200);
	show("200 taken", pool, 312);

	/* Gone is the node; the memory stays the pool's. */
	mempool_tree_free(third);
	show("the 200 freed", pool, 512);

	/* The pool, what lies in it, and the block outside. */
	mempool_tree_free(pool);
	return as_told ? 0 : 1;
}
