/* SPDX-License-Identifier: MIT */
/*
 * tree_extra.c - what few nodes have: a destructor, references to them.
 */
#include "pool/tree_extra.h"

#include "mempool/small.h"

struct mempool_tree_extra *extra_made(node_t *n)
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

void extra_drop(node_t *n)
{
	struct mempool_tree_extra *x = node_extra(n);

	if (!x)
		return;
	n->name = x->name;
	node_clear_flag(n, NODE_EXTRA);
	mempool_small_free(x);
}

void extra_remember(struct mempool_tree_extra *x, node_t *r, node_t *target)
{
	struct reference *ref = reference_of(r);

	ref->target = target;
	list_add(&x->references, &ref->link);
	x->count++;
}

void extra_forget(node_t *r)
{
	struct reference *ref = reference_of(r);
	struct mempool_tree_extra *x = ref->target->extra;

	list_del(&x->references, &ref->link);
	x->count--;
}
