/* SPDX-License-Identifier: MIT */
/*
 * tree_link.c - nodes change parents, and get more of them.
 */
#include "mempool/tree.h"

#include "base/errors.h"
#include "mempool/small.h"
#include "pool/tree_branch.h"
#include "pool/tree_free.h"

/* The extra of a node, made if there is none; NULL with ENOMEM. */
static struct mempool_tree_extra *extra_made(node_t *n)
{
	struct mempool_tree_extra *x = node_extra(n);

	if (x)
		return x;
	x = mempool_small_alloc(sizeof(*x));
	if (!x)
		return NULL;
	*x = (struct mempool_tree_extra){ .name = n->name };
	n->extra = x;
	node_set_flag(n, NODE_EXTRA);
	return x;
}

int mempool_tree_set_destructor(const void *node, int (*destructor)(void *))
{
	struct tree *t;
	node_t *n = family_node(node, &t);
	struct mempool_tree_extra *x;

	if (!n)
		return failed(-EINVAL);
	x = node_extra(n);
	if (!x && destructor)
		x = extra_made(n);
	if (x)
		x->destructor = destructor;
	family_leave(t);
	return x || !destructor ? 0 : failed(-ENOMEM);
}

/* --- references --- */

/* `t`: the context's.  0 or why not. */
static int refer(struct tree *t, node_t *context, node_t *target)
{
	struct mempool_tree_extra *x;
	node_t *r;

	if (node_is_going(target))
		return EBUSY;
	x = extra_made(target);
	if (!x)
		return ENOMEM;
	r = node_new(t, context, sizeof(struct reference), ".reference",
		     NODE_REFERENCE);
	if (!r)
		return ENOMEM;
	reference_of(r)->target = target;
	list_add(&x->references, &reference_of(r)->link);
	x->count++;
	return 0;
}

void *mempool_tree_reference(const void *context, const void *node)
{
	node_t *n, *c;
	struct tree *t[2];
	int error;

	if (!node)
		return refused(EINVAL);
	n = node_checked(node);
	c = context ? node_checked(context) : NULL;
	family_enter_two(n, c ? c : n, t);
	if (family_base(t[0]) != family_base(t[1]))
		error = EXDEV;
	else
		error = refer(c ? t[1] : family_base(t[0]), c, n);
	family_leave_two(t);
	return error ? refused(error) : (void *)node;
}

static node_t *reference_from(const node_t *context, const node_t *n)
{
	struct mempool_tree_extra *x = node_extra(n);

	if (x)
		list_for_each_safe(struct reference, r, &x->references, link)
			if (node_of(r)->parent == context)
				return node_of(r);
	return NULL;
}

int mempool_tree_unlink(const void *context, void *node)
{
	node_t *n, *c, *r;
	struct tree *t;
	int result = 0;

	if (!node)
		return failed(-EINVAL);
	c = context ? node_checked(context) : NULL;
	n = family_node(node, &t);
	node_must_be_linked(n, "use");
	r = reference_from(c, n);
	if (r)
		free_reference(r);
	else if (n->parent == c)
		result = free_from_parent(t, n);
	else
		result = -ENOENT;
	family_leave(t);
	return failed(result);
}

size_t mempool_tree_references(const void *node)
{
	struct tree *t;
	node_t *n = family_node(node, &t);
	struct mempool_tree_extra *x = n ? node_extra(n) : NULL;
	size_t count = x ? x->count : 0;

	family_leave(t);
	return count;
}

/* --- steal --- */

/* 0 or why the subtree cannot go to a tree of another base. */
static int may_leave(const node_t *top)
{
	struct tree *t = family_of(top);

	for (const node_t *n = top; n; n = node_after(n, top, true)) {
		const struct mempool_tree_extra *x = node_extra(n);
		unsigned flags = node_flags(n);

		if (flags & (NODE_FREEING | NODE_DESTRUCTED))
			return EBUSY;
		if (flags & NODE_REFERENCE || (x && x->count))
			return EXDEV;
		if (family_of(n) != t || branch_is_head(n))
			return EXDEV;
	}
	return 0;
}

static int change_base(struct tree *from, struct tree *to, node_t *n)
{
	int error = may_leave(n);

	if (error)
		return error;
	if (!family_may_hold(to, (size_t)branch_weigh(n).held))
		return ENOMEM;
	branch_move(n, from, to);
	return 0;
}

static int steal(struct tree *t[2], node_t *parent, node_t *n)
{
	int error = 0;

	if (node_is_going(n))
		return EBUSY;
	if (parent && node_is_within(parent, n))
		return EINVAL;
	if (family_base(t[0]) != family_base(t[1]))
		error = change_base(t[0], t[1], n);
	else
		branch_follow(n, parent);
	if (error)
		return error;
	node_unlink(n);
	node_link(n, parent);
	return 0;
}

void *mempool_tree_steal(const void *new_parent, const void *node)
{
	node_t *n, *parent;
	struct tree *t[2];
	int error;

	if (!node)
		return refused(EINVAL);
	n = node_checked(node);
	parent = new_parent ? node_checked(new_parent) : NULL;
	family_enter_two(n, parent ? parent : n, t);
	node_must_be_linked(n, "use");
	error = steal(t, parent, n);
	family_leave_two(t);
	return error ? refused(error) : (void *)node;
}
