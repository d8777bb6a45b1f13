/* SPDX-License-Identifier: MIT */
/*
 * tree_memory.h - where nodes get their memory from.
 *
 * The thread's stock first (tree_local.h); then, header and bytes together,
 * the small-object heap up to 128 bytes and malloc() for more.
 */
#ifndef POOL_TREE_MEMORY_H
#define POOL_TREE_MEMORY_H

#include "base/fork_table.h"
#include "pool/tree_local.h"

/* True when each byte is watched: nothing is rounded up or kept. */
extern HIDDEN bool memory_watched;

/* A row of the table of fork. */
void memory_fork(struct fork_table *t);

/* The library is ready, and memory_watched is decided. */
void memory_start(void);

/* From the source: `bytes` with the header.  NULL with ENOMEM. */
void *memory_ask(size_t bytes);

/* `bytes` as it was asked for, give or take a unit's part. */
void memory_give(void *p, size_t bytes);

/*
 * Memory comes in units of 16 bytes, so that a little more or less needs no
 * change; but to who watches each byte counts.
 */
static inline bool memory_fits(size_t old, size_t bytes)
{
	return !memory_watched &&
	       round_up(old, STOCK_UNIT) == round_up(bytes, STOCK_UNIT);
}

/*
 * Changes the size; the contents move, up to the smaller of the two.  NULL with
 * ENOMEM, and `p` as it was.
 */
void *memory_resize(void *p, size_t old, size_t bytes);

/*
 * Gives a node back that is in no pool, and marks it as freed.  `word` is its
 * own.  A huge one's size is beyond all lists.
 */
static inline void node_give_outside(struct mempool_tree_local *l, node_t *n,
				     uint64_t word)
{
	uint32_t size = (uint32_t)word;

	node_mark_freed(n);
	if (unlikely(!tree_local_give(l, n, stock_of(size))))
		node_give_slow(n);
}

#endif
