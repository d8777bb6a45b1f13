/* SPDX-License-Identifier: MIT */
/*
 * tree_realloc.c - nodes change their size, and all who know them follow.
 */
#include <string.h>

#include "base/errors.h"
#include "pool/tree_family.h"
#include "pool/tree_node.h"
#include "pool/tree_pool.h"

/* Who points at the node that has moved to `n`. */
static void relink(node_t *n)
{
	if (n->parent)
		*n->pprev = n;
	else
		n->pprev = &n->next;
	if (n->next)
		n->next->pprev = &n->next;
	if (n->child)
		n->child->pprev = &n->child;
	for (node_t *c = n->child; c; c = c->next)
		c->parent = n;
}

/* Sizes on both sides of a border (huge, pooled) go to another place. */
static node_t *move(struct tree *t, node_t *n, size_t size)
{
	node_t *to = node_take_in_pool(n, size);
	uint64_t place =
		(uint64_t)(NODE_POOLED | NODE_GAP_BELOW) << 48 | 0xffffffffull;

	if (!to && n->parent)
		to = node_take_in_pool(n->parent, size);
	if (!to && family_may_hold(t, round_up(sizeof(*n) + size, 16)))
		to = node_take_outside(size);
	if (!to)
		return NULL;
	node_set_word(to, (node_word(n) & ~place) | (node_word(to) & place));
	to->parent = n->parent;
	to->child = n->child;
	to->next = n->next;
	to->pprev = n->pprev;
	to->name = n->name; /* or the extra */
	memcpy(node_bytes(to), node_bytes(n), min_of(node_size(n), size));
	node_give(n);
	return to;
}

/* In the heap, from and to less than huge. */
static node_t *resize_outside(struct tree *t, node_t *n, size_t size)
{
	size_t old = node_outside_bytes(n), bytes = sizeof(*n) + size;
	node_t *to = n;

	if (bytes > old &&
	    !family_may_hold(t, round_up(bytes, 16) - round_up(old, 16)))
		return NULL;
	if (!memory_fits(old, bytes))
		to = memory_resize(n, old, bytes);
	if (to)
		node_set_word(to, (node_word(to) & ~0xffffffffull) | size);
	return to;
}

static node_t *resize(struct tree *t, node_t *n, size_t size)
{
	if (node_flags(n) & NODE_POOLED) {
		struct tree_pool *pool = tree_pool_of(n);
		node_t *to = NULL;

		if (size > node_size(n))
			to = tree_pool_slide(pool, n, size);
		if (to)
			return to;
		if (tree_pool_resize(pool, n, size))
			return n;
	} else if (node_size(n) < NODE_HUGE && size < NODE_HUGE) {
		return resize_outside(t, n, size);
	}
	return move(t, n, size);
}

static int may_resize(const node_t *n)
{
	const struct mempool_tree_extra *x = node_extra(n);
	unsigned flags = node_flags(n);

	if (flags & NODE_POOL)
		return EINVAL;
	if (flags & (NODE_FREEING | NODE_DESTRUCTED) || (x && x->count))
		return EBUSY;
	return 0;
}

static void *realloc_locked(struct tree *t, node_t *n, size_t size)
{
	int64_t old_size = (int64_t)node_size(n);
	int64_t old_held = (int64_t)node_held(n);
	bool is_own_name = node_name(n) == node_bytes(n);
	int error = may_resize(n);
	node_t *to;

	if (error)
		return refused(error);
	to = resize(t, n, size);
	if (!to) {
		family_count_failure(t);
		return NULL;
	}
	if (to != n)
		relink(to);
	if (is_own_name)
		node_set_name(to, node_bytes(to));
	family_count(t, 0, (int64_t)size - old_size,
		     (int64_t)node_held(to) - old_held);
	return node_bytes(to);
}

void *mempool_tree_realloc(const void *parent, void *node, size_t size)
{
	struct tree *t;
	node_t *n;
	void *p;

	if (!size) {
		mempool_tree_free(node);
		return NULL;
	}
	if (!node)
		return mempool_tree_alloc(parent, size);
	if (size > NODE_MAX)
		return refused(ENOMEM);
	n = node_checked(node);
	t = family_enter(n);
	node_must_be_linked(n, "use");
	p = realloc_locked(t, n, size);
	family_leave(t);
	return p;
}

void *mempool_tree_realloc_array(const void *parent, void *node, size_t n,
				 size_t size)
{
	return mempool_tree_realloc(parent, node, product(n, size));
}
