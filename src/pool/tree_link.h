/*
 * tree_link.h - destructors and references of nodes.
 *
 * The tree is entered.
 */
#ifndef POOL_TREE_LINK_H
#define POOL_TREE_LINK_H

#include "pool/tree_node.h"

/* The extra of a node, made if there is none; NULL with ENOMEM. */
struct mempool_tree_extra *link_extra(node_t *n);

/* A node that is about to go gives it back. */
void link_drop_extra(node_t *n);

/* Takes reference `r` from its target's list. */
void link_forget(node_t *r);

#endif
