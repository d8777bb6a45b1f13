/* SPDX-License-Identifier: MIT */
/*
 * tree_node.c - a node's memory, and its place in a tree.
 */
#include "pool/tree_node.h"

#include <string.h>

#include "base/errors.h"
#include "base/fault.h"
#include "pool/tree_family.h"
#include "pool/tree_pool.h"

const char node_unnamed[] = "UNNAMED";
const char node_name_of_name[] = ".name";

static void (*misuse_told)(const void *node, bool freed);

void mempool_tree_on_misuse(void (*told)(const void *node, bool freed))
{
	__atomic_store_n(&misuse_told, told, __ATOMIC_RELAXED);
}

COLD _Noreturn void node_crime(const void *p, const char *what)
{
	void (*told)(const void *node, bool freed) =
		__atomic_load_n(&misuse_told, __ATOMIC_RELAXED);
	bool freed = (uintptr_t)p % 16 == 0 &&
		     word_magic(node_word(node_of(p))) == NODE_FREED;

	if (told)
		told(p, freed);
	if (freed)
		fault_pool(strcmp(what, "free") ? "use after free"
						: "double free",
			   p, "tree", "the node is free already");
	fault_pool(strcmp(what, "free") ? "use of a foreign pointer"
					: "invalid free",
		   p, "tree", "it is no node of a tree, or its header is lost");
}

void *node_take_bytes(size_t bytes)
{
	void *p;

	if (unlikely(mempool_tree_local == &tree_nobody)) {
		family_start();
		local_begin();
	} else if (bytes <= MEMPOOL_TREE_STOCK_MAX) {
		local_refill(mempool_tree_local,
			     (bytes + STOCK_UNIT - 1) / STOCK_UNIT);
	}
	p = memory_ask(bytes);
	if (unlikely(!p) && local_empty())
		p = memory_ask(bytes);
	return p;
}

/* Sizes beyond 32 bits go in front of the header. */
node_t *node_take_outside(size_t size)
{
	node_t *n;
	char *p;

	if (likely(size < NODE_HUGE)) {
		n = tree_local_take(mempool_tree_local, size);
		if (!n)
			n = node_take_bytes(sizeof(*n) + size);
		if (n)
			node_set_word(n, word_make((uint32_t)size, 0, 0));
		return n;
	}
	if (size > NODE_MAX)
		return refused(ENOMEM);
	p = node_take_bytes(16 + sizeof(*n) + size);
	if (!p)
		return NULL;
	n = (node_t *)(p + 16);
	*node_huge_size(n) = size;
	node_set_word(n, word_make(NODE_HUGE, 0, 0));
	return n;
}

size_t node_outside_bytes(const node_t *n)
{
	size_t size = node_size(n);

	return sizeof(*n) + size + (size >= NODE_HUGE ? 16 : 0);
}

size_t node_held(const node_t *n)
{
	unsigned flags = node_flags(n);

	if (flags & NODE_POOL)
		return tree_pool_held(tree_pool_of(n), n);
	return flags & NODE_POOLED ? 0 : round_up(node_outside_bytes(n), 16);
}

void node_give_slow(node_t *n)
{
	size_t size = node_size(n), bytes = node_outside_bytes(n);

	if (bytes <= MEMPOOL_TREE_STOCK_MAX) {
		if (mempool_tree_local == &tree_nobody)
			local_begin();
		else
			local_make_room(mempool_tree_local, stock_of(size));
		if (tree_local_give(mempool_tree_local, n, stock_of(size)))
			return;
	}
	memory_give(size >= NODE_HUGE ? (char *)n - 16 : (char *)n, bytes);
}

void node_give(node_t *n)
{
	if (node_flags(n) & (NODE_POOL | NODE_POOLED))
		tree_pool_give(tree_pool_of(n), n);
	else
		node_give_outside(mempool_tree_local, n, node_word(n));
}

void *node_settle(node_t *n, struct tree *t, node_t *parent, const char *name,
		  size_t held)
{
	node_set_word(n, node_word(n) | family_mark(t));
	n->child = NULL;
	n->name = name;
	node_link(n, parent);
	family_count(t, 1, (int64_t)node_counted(n), (int64_t)held);
	return node_bytes(n);
}

node_t *node_take_in_pool(node_t *parent, size_t size)
{
	if (!parent || !(node_flags(parent) & (NODE_POOL | NODE_POOLED)))
		return NULL;
	return tree_pool_take(tree_pool_of(parent), size);
}

node_t *node_new(struct tree *t, node_t *parent, size_t size, const char *name,
		 unsigned flags)
{
	node_t *n = flags ? NULL : node_take_in_pool(parent, size);

	if (!n) {
		if (!family_may_hold(t, round_up(sizeof(*n) + size, 16)) ||
		    !(n = node_take_outside(size))) {
			family_count_failure(t);
			return NULL;
		}
	}
	node_set_flag(n, flags);
	node_settle(n, t, parent, name, node_held(n));
	return n;
}
