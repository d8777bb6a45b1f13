/* SPDX-License-Identifier: MIT */
/*
 * tree_branch.h - subtrees that go from one tree to another, limits or not.
 */
#ifndef POOL_TREE_BRANCH_H
#define POOL_TREE_BRANCH_H

#include "pool/tree_family.h"

/* What a subtree adds to a tree's counts. */
struct sum {
	int64_t nodes, bytes, held;
};

struct sum branch_weigh(const node_t *top);

/* True when `n` is the one whose limit its tree has. */
bool branch_is_head(const node_t *n);

/* `top` and what is below it, all of `from`, becomes `to`'s. */
void branch_move(node_t *top, struct tree *from, struct tree *to);

/*
 * `n` is about to be linked below `parent`, or nowhere when that is NULL, of
 * the same base: it is counted there from now on, beyond a limit if need be.
 */
void branch_follow(node_t *n, const node_t *parent);

#endif
