/*
 * object_cache_stock.h - the free objects that a thread has at hand.
 */
#ifndef POOL_OBJECT_CACHE_STOCK_H
#define POOL_OBJECT_CACHE_STOCK_H

#include "pool/object_cache.h"

/*
 * A thread's stock: the words that get reads, then the slots.  The guard is
 * what lies below the lowest slot: no object.
 */
struct object_stock {
	struct mempool_cache_stock head;
	void *guard;
	void *slots[];
};

/*
 * Fills the caller's stock by half, as far as so many are free, and takes one.
 * NULL: none is, or this thread can have no stock.
 */
void *object_cache_refill(struct object_cache *c);

/* Outlined half. */
bool object_cache_push_slow(struct object_cache *c, void *object);

/* Others read top and slots, for statistics and mempool_cache_walk(). */
static inline void object_stock_set_top(struct object_stock *s, void **top)
{
	__atomic_store_n(&s->head.top, top, __ATOMIC_RELAXED);
}

static inline void object_stock_push(struct object_stock *s, void *object)
{
	void **top = s->head.top;

	__atomic_store_n(top, object, __ATOMIC_RELAXED);
	object_stock_set_top(s, top + 1);
}

/*
 * Puts an object into the caller's stock.  False: it can have none.  One that
 * was put just before ends the program.
 */
static inline bool object_cache_push(struct object_cache *c, void *object)
{
	struct object_stock *s = mempool_local[c->head.slot];

	if (unlikely(!s) || unlikely(s->head.top == s->slots + c->stock_most) ||
	    unlikely(s->head.top[-1] == object))
		return object_cache_push_slow(c, object);
	object_stock_push(s, object);
	return true;
}

/*
 * The objects of a thread's stock become free; then the stock is freed.  Who
 * looks at stocks holds the cache's lock.
 */
void object_cache_leave(void *cache, void *stock);

/* The same for the caller's own, which stays, empty. */
void object_cache_flush(struct object_cache *c);

#endif
