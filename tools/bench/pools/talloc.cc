/* SPDX-License-Identifier: MIT */
/*
 * talloc.cc - Samba's talloc: trees of objects, and its pools.
 */
#include <talloc.h>

#include "loops.h"

/* As large as a request gets, headers included. */
struct Pool {
	void *pool = talloc_pool(nullptr, 512 * 1024);

	~Pool()
	{
		talloc_free(pool);
	}
	void *alloc(size_t size)
	{
		return talloc_size(pool, size);
	}
	void reset()
	{
		talloc_free_children(pool);
	}
};

struct Growing {
	void *parent = talloc_new(nullptr);

	void *alloc(size_t size)
	{
		return talloc_size(parent, size);
	}
};

struct Tree {
	void *node(void *parent, size_t size)
	{
		return talloc_size(parent, size);
	}
	void *pool(size_t size)
	{
		return talloc_pool(nullptr, size);
	}
	void free(void *root)
	{
		talloc_free(root);
	}
};

static const Row rows[] = {
	{ "region", "region_64", "talloc", requests<Pool> },
	{ "region", "region_mixed", "talloc", requests_mixed<Pool> },
	{ "tree", "tree_3", "talloc", three_objects<Tree> },
	{ "tree", "tree_3_batch", "talloc", three_objects_batch<Tree> },
	{ "memory", "memory_region_64", "talloc", weigh_region<Growing> },
	{ "memory", "memory_tree_64", "talloc", weigh_tree<Tree> },
	{ "memory", "tree_header", "talloc", tree_header<Tree> },
};

POOLS_MAIN(rows)
