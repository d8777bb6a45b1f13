/* SPDX-License-Identifier: MIT */
/*
 * tree.c - nodes are made.
 */
#include "mempool/tree.h"

#include <string.h>

#include "base/errors.h"
#include "pool/tree_family.h"
#include "pool/tree_pool.h"

/* In a created tree or a pool, with a parent that is no plain node, huge. */
static NOINLINE void *alloc_unusual(node_t *p, size_t size, const char *name)
{
	struct tree *t;
	node_t *n;

	if (size > NODE_MAX)
		return refused(ENOMEM);
	t = p ? family_enter(p) : NULL;
	n = node_new(t, p, size, name, 0);
	family_leave(t);
	return n ? node_bytes(n) : NULL;
}

static inline void *plain(node_t *n, node_t *parent, size_t size,
			  const char *name)
{
	n->child = NULL;
	n->name = name;
	node_set_word(n, word_make((uint32_t)size, 0, 0));
	node_link(n, parent);
	return node_bytes(n);
}

/* The stock has none. */
static NOINLINE void *alloc_slow(const void *parent, size_t size,
				 const char *name)
{
	node_t *p = parent ? node_checked(parent) : NULL, *n;

	if (unlikely(size >= NODE_HUGE) || (p && !is_plain(p)))
		return alloc_unusual(p, size, name);
	n = node_take_bytes(sizeof(*n) + size);
	if (!n)
		return NULL;
	local_count(1, (int64_t)size);
	return plain(n, p, size, name);
}

/* A plain parent, and a node in stock; everything else goes the slow way. */
static inline __attribute__((always_inline)) void *
alloc(const void *parent, size_t size, const char *name)
{
	void *p = NULL;

	if (likely(size <= MEMPOOL_TREE_STOCK_MAX - sizeof(node_t)))
		p = mempool_tree_alloc_front(parent, size, name);
	return likely(p != NULL) ? p : alloc_slow(parent, size, name);
}

void *mempool_tree_alloc_slow(const void *parent, size_t size)
{
	return alloc(parent, size, NULL);
}

void *mempool_tree_alloc_named(const void *parent, size_t size,
			       const char *name)
{
	return alloc(parent, size, name);
}

void *mempool_tree_zalloc(const void *parent, size_t size)
{
	void *p = alloc(parent, size, NULL);

	return p ? memset(p, 0, size) : NULL;
}

void *mempool_tree_zalloc_named(const void *parent, size_t size,
				const char *name)
{
	void *p = mempool_tree_alloc_named(parent, size, name);

	return p ? memset(p, 0, size) : NULL;
}

void *mempool_tree_array(const void *parent, size_t n, size_t size)
{
	return mempool_tree_alloc(parent, product(n, size));
}

void *mempool_tree_zarray(const void *parent, size_t n, size_t size)
{
	return mempool_tree_zalloc(parent, product(n, size));
}

/* --- pools and created trees --- */

/* A block's size fits in the word, as an order of 5 bits. */
enum { POOL_BITS_MOST = 40 };

static void *new_pool(struct tree *t, node_t *parent, size_t size, size_t bytes,
		      const char *name)
{
	node_t *n;
	size_t held;

	if (size > POOLED_SIZE_MAX || bytes >> POOL_BITS_MOST)
		n = NULL;
	else
		n = tree_pool_new(t, size, bytes, &held);
	if (n)
		return node_settle(n, t, parent, name, held);
	errno = ENOMEM;
	family_count_failure(t);
	return NULL;
}

void *mempool_tree_pool_named(const void *parent, size_t size, size_t bytes,
			      const char *name)
{
	struct tree *t;
	node_t *p;
	void *pool;

	if (!bytes)
		return refused(EINVAL);
	family_start();
	p = family_node(parent, &t);
	pool = new_pool(t, p, size, bytes, name);
	family_leave(t);
	return pool;
}

void *mempool_tree_pool(const void *parent, size_t bytes)
{
	return mempool_tree_pool_named(parent, 0, bytes, NULL);
}

size_t mempool_tree_pool_left(const void *node)
{
	struct tree *t;
	node_t *n = family_node(node, &t);
	struct tree_pool *pool = n ? tree_pool_of(n) : NULL;
	size_t left = pool ? tree_pool_left(pool) : 0;

	family_leave(t);
	return left;
}

void *mempool_tree_create(const struct mempool_options *options)
{
	struct tree *t = family_create(options);
	node_t *n;
	void *root;

	if (!t)
		return NULL;
	family_lock(t);
	if (options && options->initial) {
		root = new_pool(t, NULL, 0, options->initial,
				t->pool.entry.name);
	} else {
		n = node_new(t, NULL, 0, t->pool.entry.name, 0);
		root = n ? node_bytes(n) : NULL;
	}
	family_leave(t);
	return root;
}
