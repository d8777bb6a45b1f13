/*
 * tree_local.h - what a thread has of its own: a stock of memory for nodes,
 * and the counts of tree 0.
 *
 * Freed nodes of up to STOCK_MAX bytes, header included, wait for the next node
 * of their size, last in first out: up to 1024 of each small size, 32 KiB of
 * each of the others.  They lie in arrays: to take one from a list linked
 * through the nodes, one after the other, is a chain of loads, and was half as
 * fast. Everything unusual looks like an empty or a full stock: a new thread,
 * one that ends, a watched program (pool/debug.h) have `tree_nobody`, whose
 * lists are empty and full at once.
 */
#ifndef POOL_TREE_LOCAL_H
#define POOL_TREE_LOCAL_H

#include "pool/tree_node.h"

enum {
	STOCK_UNIT = 16,
	STOCK_MAX = 1024,
	STOCK_LISTS = STOCK_MAX / STOCK_UNIT + 1,
	STOCK_SMALL = 128 / STOCK_UNIT,
	STOCK_SMALL_NODES = 1024,    /* of each list up to STOCK_SMALL */
	STOCK_LIST_BYTES = 32 << 10, /* in each of the others */
};

/*
 * free[0..count) of each list are free; by units.  count <= most.  Owner: the
 * thread; the counts of nodes and bytes are read by anyone.
 */
struct tree_local {
	int64_t live, bytes; /* of tree 0, made minus freed by this thread */
	struct stock {
		uint32_t count, most;
		struct node **free;
	} stock[STOCK_LISTS];
	struct node *slots[];
};

extern HIDDEN struct tree_local tree_nobody;
extern __thread struct tree_local *tree_local
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

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
void local_make_room(struct tree_local *l, size_t list);
void local_refill(struct tree_local *l, size_t list);

/* Counts for who has none of its own. */
void local_count_slow(int64_t nodes, int64_t bytes);

/* The sum of all threads, gone ones included. */
void local_sum(int64_t *nodes, int64_t *bytes);

static inline void local_count_in(struct tree_local *l, int64_t nodes,
				  int64_t bytes)
{
	__atomic_store_n(&l->live, l->live + nodes, __ATOMIC_RELAXED);
	__atomic_store_n(&l->bytes, l->bytes + bytes, __ATOMIC_RELAXED);
}

static inline void local_count(int64_t nodes, int64_t bytes)
{
	struct tree_local *l = tree_local;

	if (unlikely(l == &tree_nobody))
		local_count_slow(nodes, bytes);
	else
		local_count_in(l, nodes, bytes);
}

/* The list for a node of `size` bytes, header apart. */
static inline size_t stock_of(size_t size)
{
	return (size + sizeof(struct node) + STOCK_UNIT - 1) / STOCK_UNIT;
}

/* A node that may be written to; NULL: the stock has none. */
static inline struct node *stock_take(struct tree_local *l, size_t size)
{
	struct stock *s;
	uint32_t count;

	if (unlikely(size > STOCK_MAX - sizeof(struct node)))
		return NULL;
	s = &l->stock[stock_of(size)];
	count = s->count;
	if (unlikely(!count))
		return NULL;
	s->count = count - 1;
	return s->free[count - 1];
}

/* False: it does not fit. */
static inline bool stock_give(struct tree_local *l, struct node *n, size_t list)
{
	struct stock *s;
	uint32_t count;

	if (unlikely(list >= STOCK_LISTS))
		return false;
	s = &l->stock[list];
	count = s->count;
	if (unlikely(count >= s->most))
		return false;
	s->free[count] = n;
	s->count = count + 1;
	return true;
}

#endif
