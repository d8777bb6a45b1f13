/* SPDX-License-Identifier: MIT */
/*
 * tree_local.h - nodes' memory, and what a thread has of its own: a stock of
 * that, and the counts of tree 0.
 *
 * Behind the stock, header and bytes together come from the small-object heap
 * up to 128 bytes, and from malloc() for more.
 *
 * Freed nodes of up to MEMPOOL_TREE_STOCK_MAX bytes, header included, wait for
 * the next node of their size, last in first out: up to 1024 of each small
 * size, 32 KiB of each of the others.  They lie in arrays: to take one from a
 * list linked through the nodes, one after the other, is a chain of loads, and
 * was half as fast. Everything unusual looks like an empty or a full stock: a
 * new thread, one that ends, a watched program (pool/debug.h) have
 * `tree_nobody`, whose lists are empty and full at once.
 */
#ifndef POOL_TREE_LOCAL_H
#define POOL_TREE_LOCAL_H

#include "base/fork_table.h"
#include "pool/tree_node.h"

enum {
	STOCK_UNIT = 16,
	STOCK_SMALL = 128 / STOCK_UNIT,
	STOCK_SMALL_NODES = 1024,    /* of each list up to STOCK_SMALL */
	STOCK_LIST_BYTES = 32 << 10, /* in each of the others */
};

/*
 * The structs are in mempool/tree.h.  free[0..count) of each list are free; by
 * units.  count, in the lower 16 bits of the word, <= most.  Owner: the
 * thread; the words and counts are read by anyone.
 *
 * What the thread made for tree 0, less what it freed: nodes are `live` less
 * all nodes of its stock, so that taking one counts it; bytes are `bytes` and
 * those in the upper bits of all words, modulo 2^48.  Who changes a count and
 * makes or frees nothing in tree 0 mends `live`.
 */
extern HIDDEN struct mempool_tree_local tree_nobody;

/* Once: memory_watched is decided, and how other threads' counts are found. */
void local_prepare(void);

/* A thread's first time gives it memory of its own, if it may have some. */
void local_begin(void);

/* Gives all of this thread's stock back.  True when there was some. */
bool local_empty(void);

/*
 * Gives some of a full list back, or fills an empty one of a small size from
 * the small-object heap.
 */
void local_make_room(struct mempool_tree_local *l, size_t list);
void local_refill(struct mempool_tree_local *l, size_t list);

/* Counts for who has none of its own. */
void local_count_slow(int64_t nodes, int64_t bytes);

/* The sum of all threads, gone ones included. */
void local_sum(int64_t *nodes, int64_t *bytes);

/* --- behind the stocks --- */

/* True when each byte is watched: nothing is rounded up or kept. */
extern HIDDEN bool memory_watched;

/* A row of the table of fork. */
void memory_fork(struct fork_table *t);

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

static inline unsigned stock_count(uint64_t word)
{
	return (uint16_t)word;
}

/* `more` nodes come into a list or leave it that tree 0 does not know of. */
static inline void stock_change(struct mempool_tree_local *l,
				struct mempool_tree_stock *s, int more)
{
	__atomic_store_n(&s->word, s->word + (uint64_t)more, __ATOMIC_RELAXED);
	__atomic_store_n(&l->live, l->live + more, __ATOMIC_RELAXED);
}

static inline void local_count_in(struct mempool_tree_local *l, int64_t nodes,
				  int64_t bytes)
{
	__atomic_store_n(&l->live, l->live + nodes, __ATOMIC_RELAXED);
	__atomic_store_n(&l->bytes, l->bytes + bytes, __ATOMIC_RELAXED);
}

static inline void local_count(int64_t nodes, int64_t bytes)
{
	struct mempool_tree_local *l = mempool_tree_local;

	if (unlikely(l == &tree_nobody))
		local_count_slow(nodes, bytes);
	else
		local_count_in(l, nodes, bytes);
}

/* The list for a node of `size` bytes, header apart. */
static inline size_t stock_of(size_t size)
{
	return (size + sizeof(node_t) + STOCK_UNIT - 1) / STOCK_UNIT;
}

/* A node that may be written to; NULL: the stock has none.  Not counted. */
static inline node_t *tree_local_take(struct mempool_tree_local *l, size_t size)
{
	struct mempool_tree_stock *s;
	unsigned count;

	if (unlikely(size > MEMPOOL_TREE_STOCK_MAX - sizeof(node_t)))
		return NULL;
	s = &l->stock[stock_of(size)];
	count = stock_count(s->word);
	if (unlikely(!count))
		return NULL;
	stock_change(l, s, -1);
	return s->free[count - 1];
}

/* False: it does not fit.  Not counted. */
static inline bool tree_local_give(struct mempool_tree_local *l, node_t *n,
				   size_t list)
{
	struct mempool_tree_stock *s;
	unsigned count;

	if (unlikely(list >= MEMPOOL_TREE_STOCKS))
		return false;
	s = &l->stock[list];
	count = stock_count(s->word);
	if (unlikely(count >= s->most))
		return false;
	s->free[count] = n;
	stock_change(l, s, 1);
	return true;
}

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
