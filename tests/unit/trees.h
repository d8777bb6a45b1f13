/* SPDX-License-Identifier: MIT */
/*
 * trees.h - what the tests of trees share: nodes with a letter, and a record
 * of the destructors that ran.
 */
#ifndef UNIT_TREES_H
#define UNIT_TREES_H

#include "apart.h"

#include "mempool/stats.h"
#include "mempool/tree.h"
#include "unit/errors.h"
#include "unit/tools.h"

/* Sanitizers end the program at a size that they find absurd. */
#if defined(__SANITIZE_ADDRESS__)
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}
#elif defined(__SANITIZE_THREAD__)
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}
#endif

__attribute__((unused)) static char gone[256];
__attribute__((unused)) static unsigned refusals;

__attribute__((unused)) static int note(void *node)
{
	strncat(gone, mempool_tree_name(node), 1);
	return 0;
}

__attribute__((unused)) static int refuse(void *node)
{
	(void)node;
	refusals++;
	return -1;
}

/* A node whose end is noted. */
__attribute__((unused)) static void *make(const void *parent, const char *name)
{
	void *p = mempool_tree_alloc_named(parent, 24, name);

	assert_non_null(p);
	assert_int_equal(mempool_tree_set_destructor(p, note), 0);
	return p;
}

static const char *wanted_tree;

static int find_tree(const struct mempool_stats *s, void *arg)
{
	if (strcmp(s->kind, "tree") || strcmp(s->name, wanted_tree))
		return 0;
	*(struct mempool_stats *)arg = *s;
	return 1;
}

/* Of a tree, or of a limit, by name; false: there is none. */
__attribute__((unused)) static bool tree_stats(const char *name,
					       struct mempool_stats *s)
{
	wanted_tree = name;
	return mempool_stats_walk(find_tree, s) == 1;
}

#endif
