/* SPDX-License-Identifier: MIT */
/*
 * tree_free.h - freeing, for the other files of the family.
 */
#ifndef POOL_TREE_FREE_H
#define POOL_TREE_FREE_H

#include "pool/tree_family.h"

/* A reference goes. */
void free_reference(node_t *r);

/*
 * The real parent lets go of `n`: references from outside keep it, else it is
 * freed.  0 or -EBUSY.
 */
int free_from_parent(struct tree *t, node_t *n);

#endif
