/*
 * object_cache.h - an object cache, as its own files see it.
 *
 * object_cache.c makes and ends caches, _get.c and _put.c say what they do,
 * _stock.c keeps what a thread has at hand, _walk.c visits, trims and checks;
 * object_block.c has the memory.
 */
#ifndef POOL_OBJECT_CACHE_H
#define POOL_OBJECT_CACHE_H

#include "base/lock.h"
#include "heap/reserve.h"
#include "mempool/cache.h"
#include "pool/debug.h"
#include "pool/object_block.h"
#include "pool/roster.h"

enum {
	OBJECT_CACHE_MAGIC = 0x6f626a63,
	OBJECT_REDZONE = 16, /* behind an object: poison, or hidden by tools */
};

/*
 * Owner of what changes: the lock, or with MEMPOOL_SINGLE the one thread.
 * Others read single words for statistics.
 *
 * blocks.live counts the objects in threads' stocks as well.  Who waits is in
 * the queue of `waiting`, which keeps no element: min is 0.  While somebody
 * waits no object is free, except that he has not woken yet.
 */
struct object_cache {
	struct mempool_cache head; /* first: what the user holds */
	uint32_t magic;		   /* OBJECT_CACHE_MAGIC while it lives */
	struct lock lock;
	struct object_blocks blocks;
	size_t size, align;
	size_t most;	   /* objects that may exist; SIZE_MAX: no bound */
	size_t stock_most; /* objects of a thread's stock, an even number */
	enum mempool_exhaustion exhaustion;
	bool locked;	   /* not MEMPOOL_SINGLE */
	bool redzones;	   /* behind each object */
	bool careful;	   /* there is something to check at put, */
	bool wary;	   /* and at get */
	bool dying;	   /* being destroyed: waiters give up */
	uint32_t inside;   /* calls that wait; a futex word for the destroyer */
	unsigned walkers;  /* blocks may not go while somebody walks */
	const void *owner; /* with DEBUG_OWNER: the thread that came first */
	struct reserve waiting;
	uint64_t peak, failures;
	int (*construct)(void *object, void *arg);
	void (*destroy)(void *object, void *arg);
	bool (*verify)(const void *object, void *arg);
	void *arg;
	struct roster_entry entry;
};

static inline struct object_cache *object_cache_of(mempool_cache_t *cache)
{
	return (struct object_cache *)cache;
}

static inline void object_cache_lock(struct object_cache *c)
{
	if (c->locked)
		lock_take(&c->lock);
}

static inline void object_cache_unlock(struct object_cache *c)
{
	if (c->locked)
		lock_release(&c->lock);
}

/* Live objects, stocks not counted out, that may exist no more than `most`. */
static inline size_t object_cache_existing(const struct object_cache *c)
{
	return c->blocks.count * c->blocks.capacity - c->blocks.raw;
}

/* Outlined half. */
void object_cache_demand_slow(struct object_cache *c);

/* Ends the program when it is destroyed or none. */
static inline void object_cache_demand_made(struct object_cache *c)
{
	if (unlikely(!c) || unlikely(c->magic != OBJECT_CACHE_MAGIC))
		object_cache_demand_slow(c);
}

/* With DEBUG_OWNER also when a second thread uses a cache without a lock. */
static inline void object_cache_demand(struct object_cache *c)
{
	if (unlikely(!c) || unlikely(c->magic != OBJECT_CACHE_MAGIC) ||
	    unlikely(debug_flags & DEBUG_OWNER))
		object_cache_demand_slow(c);
}

static inline void object_cache_note_peak(struct object_cache *c)
{
	c->peak = max_of(c->peak, (uint64_t)c->blocks.live);
}

#endif
