/*
 * tree_local.h - what a thread has of its own: a stock of memory for nodes,
 * and the counts of tree 0.
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

#include "pool/tree_node.h"

enum {
	STOCK_UNIT = 16,
	STOCK_SMALL = 128 / STOCK_UNIT,
	STOCK_SMALL_NODES = 1024,    /* of each list up to STOCK_SMALL */
	STOCK_LIST_BYTES = 32 << 10, /* in each of the others */
};

/*
 * The struct is in mempool/tree.h.  free[0..count) of each list are free; by
 * units.  count <= most.  Owner: the thread; the counts of nodes and bytes are
 * read by anyone.
 *
 * live and bytes are those of tree 0, made minus freed by this thread, but for
 * `delta`, in which the fast paths count: nodes in the upper 16 bits, bytes in
 * the others, both signed.  Who takes from the stock or gives to it and does
 * not count there moves it to the former: so its nodes are the change of the
 * stock since then, and cannot overflow.
 */
_Static_assert(STOCK_SMALL *STOCK_SMALL_NODES +
			       (MEMPOOL_TREE_STOCKS - STOCK_SMALL) *
				       (STOCK_LIST_BYTES / 128) <
		       1 << 15,
	       "delta holds a stock");

extern HIDDEN struct mempool_tree_local tree_nobody;

/* Called once: how other threads' counts are found. */
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

static inline int64_t delta_nodes(uint64_t delta)
{
	return (int64_t)(delta + MEMPOOL_TREE_ONE / 2) >> 48;
}

static inline int64_t delta_bytes(uint64_t delta)
{
	return (int64_t)(delta << 16) >> 16;
}

static inline void local_count_in(struct mempool_tree_local *l, int64_t nodes,
				  int64_t bytes)
{
	uint64_t delta = l->delta;

	__atomic_store_n(&l->delta, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&l->live, l->live + nodes + delta_nodes(delta),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&l->bytes, l->bytes + bytes + delta_bytes(delta),
			 __ATOMIC_RELAXED);
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

/* The stock changes, but delta is not to know. */
static inline void local_settle(struct mempool_tree_local *l)
{
	if (l->delta)
		local_count_in(l, 0, 0);
}

/* A node that may be written to; NULL: the stock has none.  Not counted. */
static inline node_t *stock_take(struct mempool_tree_local *l, size_t size)
{
	struct mempool_tree_stock *s;
	uint32_t count;

	if (unlikely(size > MEMPOOL_TREE_STOCK_MAX - sizeof(node_t)))
		return NULL;
	s = &l->stock[stock_of(size)];
	count = s->count;
	if (unlikely(!count))
		return NULL;
	local_settle(l);
	s->count = count - 1;
	return s->free[count - 1];
}

/* False: it does not fit.  Not counted. */
static inline bool stock_give(struct mempool_tree_local *l, node_t *n,
			      size_t list)
{
	struct mempool_tree_stock *s;
	uint32_t count;

	if (unlikely(list >= MEMPOOL_TREE_STOCKS))
		return false;
	s = &l->stock[list];
	count = s->count;
	if (unlikely(count >= s->most))
		return false;
	local_settle(l);
	s->free[count] = n;
	s->count = count + 1;
	return true;
}

#endif
