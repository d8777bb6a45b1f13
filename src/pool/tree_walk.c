/* SPDX-License-Identifier: MIT */
/*
 * tree_walk.c - questions to a node, and to all that is below it.
 */

#include "base/errors.h"
#include "base/fault.h"
#include "pool/tree_branch.h"
#include "pool/tree_node.h"
#include "pool/tree_pool.h"

void *mempool_tree_parent(const void *node)
{
	struct tree *t;
	node_t *n = family_node(node, &t), *parent = n ? n->parent : NULL;

	family_leave(t);
	return parent ? node_bytes(parent) : NULL;
}

size_t mempool_tree_size(const void *node)
{
	return node ? node_size(node_checked(node)) : 0;
}

static void add_up(const void *node, size_t *bytes, size_t *nodes)
{
	struct tree *t;
	node_t *top = family_node(node, &t);

	*bytes = *nodes = 0;
	for (node_t *n = top; n; n = node_after(n, top, true)) {
		*bytes += node_counted(n);
		++*nodes;
	}
	family_leave(t);
}

size_t mempool_tree_total_size(const void *node)
{
	size_t bytes, nodes;

	add_up(node, &bytes, &nodes);
	return bytes;
}

size_t mempool_tree_total_blocks(const void *node)
{
	size_t bytes, nodes;

	add_up(node, &bytes, &nodes);
	return nodes;
}

static void describe(const node_t *n, unsigned depth,
		     struct mempool_tree_info *info)
{
	bool is_reference = node_flags(n) & NODE_REFERENCE;
	const node_t *shown = is_reference ? reference_of(n)->target : n;
	const struct mempool_tree_extra *x = node_extra(shown);

	*info = (struct mempool_tree_info){
		.node = node_bytes(shown),
		.parent = n->parent ? node_bytes(n->parent) : NULL,
		.name = node_name(shown),
		.size = node_size(shown),
		.references = x ? x->count : 0,
		.depth = depth,
		.is_reference = is_reference,
	};
}

static int walk(const node_t *top, unsigned max_depth,
		int (*visit)(const struct mempool_tree_info *info, void *arg),
		void *arg)
{
	const node_t *n = top;
	struct mempool_tree_info info;
	unsigned depth = 0;
	int stop;

	for (;;) {
		describe(n, depth, &info);
		stop = visit(&info, arg);
		if (stop)
			return stop;
		if (n->child && depth < max_depth) {
			n = n->child;
			depth++;
			continue;
		}
		for (; n != top && !n->next; depth--)
			n = n->parent;
		if (n == top)
			return 0;
		n = n->next;
	}
}

int mempool_tree_walk(const void *node, unsigned max_depth,
		      int (*visit)(const struct mempool_tree_info *info,
				   void *arg),
		      void *arg)
{
	struct tree *t;
	node_t *top;
	int result;

	if (!node || !visit)
		return failed(-EINVAL);
	top = family_node(node, &t);
	result = walk(top, max_depth, visit, arg);
	family_leave(t);
	return result;
}

/* --- check --- */

static void must(bool so, const node_t *n, const char *what)
{
	if (unlikely(!so))
		fault_pool("damage", node_bytes(n), "tree", what);
}

static void check_references(const node_t *n)
{
	const struct mempool_tree_extra *x = node_extra(n);

	if (!x)
		return;
	must(!list_check(&x->references, x->count), n,
	     "a tree node's list of references");
	list_for_each_safe(struct reference, r, &x->references, link)
		must(r->target == n, n, "a reference's target");
}

/* A branch begins below the tree that it is of. */
static bool is_in_place(const node_t *n)
{
	const struct tree *t = family_of(n), *above;

	if (!n->parent)
		return true;
	above = family_of(n->parent);
	return t == above || (t && t->is_branch && t->above == above);
}

/* What a limit's tree has counted is there. */
static void check_head(const node_t *n)
{
	const struct tree *t = family_of(n);
	struct sum sum = branch_weigh(n);

	must(t->live == (size_t)sum.nodes && t->bytes == (size_t)sum.bytes &&
		     t->held == (size_t)sum.held,
	     n, "a limit's counts");
}

static void check_node(const node_t *n)
{
	uint64_t word = node_word(n);

	must(word_magic(word) == NODE_MAGIC, n, "a tree node's header");
	must(is_in_place(n), n, "a tree node's number");
	must((word_flags(word) & NODE_LOCKED) == 0 || word_tree(word), n,
	     "a tree node's lock");
	must(*n->pprev == (n->parent ? n : NULL), n, "a tree node's links");
	must(!n->child || n->child->pprev == &n->child, n,
	     "a tree node's first child");
	must(!n->next || n->next->parent == n->parent, n,
	     "a tree node's siblings");
	check_references(n);
	if (branch_is_head(n))
		check_head(n);
	if (tree_pool_of(n))
		tree_pool_check(tree_pool_of(n));
}

void mempool_tree_check(const void *node)
{
	struct tree *t;
	node_t *top = family_node(node, &t);

	for (node_t *n = top; n; n = node_after(n, top, true))
		check_node(n);
	family_leave(t);
}
