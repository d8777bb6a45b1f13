/* SPDX-License-Identifier: MIT */
/*
 * tree_extra.h - what few nodes have: a destructor, references to them.
 *
 * The tree is entered.
 */
#ifndef POOL_TREE_EXTRA_H
#define POOL_TREE_EXTRA_H

#include "pool/tree_node.h"

/* The extra of a node, made if there is none; NULL with ENOMEM. */
struct mempool_tree_extra *extra_made(node_t *n);

/* A node that is about to go gives it back. */
void extra_drop(node_t *n);

/* Puts reference `r` into the list of `target`, whose extra is `x`. */
void extra_remember(struct mempool_tree_extra *x, node_t *r, node_t *target);

/* Takes reference `r` from its target's list. */
void extra_forget(node_t *r);

#endif
