/* SPDX-License-Identifier: MIT */
/*
 * tree_pool.h - a node with a block that its children lie in.
 *
 *   | struct tree_pool | the pool's node | its bytes | chunk | chunk | ... top
 * ... end
 *
 * A chunk is a node in 16-byte units; `top` goes up with each, and down again
 * when the uppermost is freed, with what is free below it.  The user's bytes
 * are counted apart from the headers: `left` of them may still be handed out.
 *
 * The block is aligned to its size, a power of two that the word of each
 * pooled node knows: so they find their pool wherever they are stolen to.
 */
#ifndef POOL_TREE_POOL_H
#define POOL_TREE_POOL_H

#include "base/fork_table.h"
#include "pool/tree_family.h"

/*
 * Owner: the tree's lock, as for nodes; when pooled nodes have been stolen to
 * another tree, `shared` is set for ever, and a lock of its own comes in.
 */
struct tree_pool {
	char *top, *end;
	size_t left;   /* of the users' bytes */
	size_t inside; /* live nodes, the pool's own included */
	size_t block;  /* bytes, a power of two */
	struct mempool_pages *pages;
	size_t bytes; /* for children, as asked for */
	bool shared;  /* set with the locks of both trees held */
	bool freed;   /* the pool's own node is */
	bool tight;   /* under a limit: children's headers count as well */
	char pad[5];
};

_Static_assert(sizeof(struct tree_pool) % 16 == 0, "a node follows");

/*
 * A block with a pool and its unlinked node of `size` bytes, without name.
 * *held: what it costs.  NULL with ENOMEM.
 */
node_t *tree_pool_new(struct tree *t, size_t size, size_t bytes, size_t *held);

/* The pool that `n`, a pool or pooled, lies in; NULL for others. */
struct tree_pool *tree_pool_of(const node_t *n);

/*
 * A node of `size` bytes from the pool, its word set except for tree and lock
 * flag, the rest not; NULL when it does not fit.
 */
node_t *tree_pool_take(struct tree_pool *pool, size_t size);

/* Takes a pooled node back, or the pool's own; the last one ends the block. */
void tree_pool_give(struct tree_pool *pool, node_t *n);

/*
 * Changes a pooled node's size where it is.  False when there is no room, or
 * when it would become smaller below another in a shared pool.
 */
bool tree_pool_resize(struct tree_pool *pool, node_t *n, size_t size);

/*
 * The same for the only node that is left inside, which goes to the block's
 * start.  Its new place, or NULL: it is there, not alone, or there is no room.
 * Who points at it is the caller's business.
 */
node_t *tree_pool_slide(struct tree_pool *pool, node_t *n, size_t size);

size_t tree_pool_left(struct tree_pool *pool);

/*
 * What the pool with its node `n` costs its tree: the block; under a limit that
 * was set for a node what was asked for, and the header.
 */
size_t tree_pool_held(const struct tree_pool *pool, const node_t *n);

/* Ends the program when an invariant does not hold. */
void tree_pool_check(struct tree_pool *pool);

/* A row of the table of fork. */
void tree_pool_fork(struct fork_table *t);

#endif
