/* SPDX-License-Identifier: MIT */
/*
 * tree_branch.c - subtrees that go from one tree to another, limits or not.
 *
 * A limit makes its node the head of a branch.  Nodes know by their number
 * which one they are in, so that a node without a limit above it is plain and
 * costs nothing; who moves into a branch or out of it is marked anew, node by
 * node.  A branch in a branch goes along: only what it hangs in changes.
 */
#include "pool/tree_branch.h"

#include "base/errors.h"
#include "pool/tree_pool.h"

struct sum branch_weigh(const node_t *top)
{
	struct sum sum = { 0, 0, 0 };

	for (const node_t *n = top; n; n = node_after(n, top, true)) {
		sum.nodes++;
		sum.bytes += (int64_t)node_counted(n);
		sum.held += (int64_t)node_held(n);
	}
	return sum;
}

bool branch_is_head(const node_t *n)
{
	const struct tree *t = family_of(n);

	return t && t->is_branch && (!n->parent || family_of(n->parent) != t);
}

static void add(struct tree *t, const struct sum *s)
{
	family_count(t, s->nodes, s->bytes, s->held);
}

static void take(struct tree *t, const struct sum *s)
{
	family_count(t, -s->nodes, -s->bytes, -s->held);
}

/* The name of a created tree, which its root has, may end with the tree. */
static void mark(node_t *n, struct tree *from, struct tree *to)
{
	uint64_t old = (uint64_t)0xffff << 32 | (uint64_t)NODE_LOCKED << 48;
	struct tree *base = family_base(from);
	struct tree_pool *pool = tree_pool_of(n);

	if (family_base(to) != base) {
		if (pool)
			pool->shared = true;
		if (base && node_name(n) == base->pool.entry.name)
			node_set_name(n, NULL);
	}
	if (pool && node_flags(n) & NODE_POOL)
		pool->tight = to && to->is_branch;
	node_set_word(n, (node_word(n) & ~old) | family_mark(to));
}

/* Weighed twice: a pool's price is another under a limit. */
void branch_move(node_t *top, struct tree *from, struct tree *to)
{
	struct sum sum = branch_weigh(top);

	take(from, &sum);
	for (node_t *n = top; n; n = node_after(n, top, true)) {
		struct tree *own = family_of(n);

		if (own == from)
			mark(n, from, to);
		else if (own && own->above == from)
			own->above = to;
	}
	sum = branch_weigh(top);
	add(to, &sum);
	family_end(from);
}

void branch_follow(node_t *n, const node_t *parent)
{
	struct tree *from = family_of(n), *above;
	struct tree *to = parent ? family_of(parent) : family_base(from);
	struct sum sum;

	if (from == to)
		return;
	if (!branch_is_head(n)) {
		branch_move(n, from, to);
		return;
	}
	above = from->above;
	if (above == to)
		return;
	sum = branch_weigh(n);
	take(above, &sum);
	from->above = to;
	add(to, &sum);
	family_end(above);
}

/* --- limits --- */

static int set_limit(struct tree *t, node_t *n, size_t limit)
{
	struct tree *branch;

	if (t && t->pool.locked)
		return -ENOTSUP;
	if (t && branch_is_head(n)) {
		t->limit = limit;
		return 0;
	}
	branch = family_branch(t, node_name(n), limit);
	if (!branch)
		return -ENOMEM;
	branch_move(n, t, branch);
	return 0;
}

int mempool_tree_set_limit(const void *node, size_t limit)
{
	struct tree *t;
	node_t *n = family_node(node, &t);
	int result = n ? set_limit(t, n, limit) : -EINVAL;

	family_leave(t);
	return failed(result);
}
