/* SPDX-License-Identifier: MIT */
/*
 * object_cache.h - an object cache, as its own files see it.
 *
 * It is a center of one stock, whose objects are kept constructed.
 * object_cache.c makes and ends caches, _kind.c describes them, _get.c and
 * _put.c say what they do, _walk.c visits, trims and checks.
 */
#ifndef POOL_OBJECT_CACHE_H
#define POOL_OBJECT_CACHE_H

#include "heap/reserve.h"
#include "mempool/cache.h"
#include "pool/fixed_center.h"
#include "pool/fixed_kept.h"

/*
 * What is behind the center's stock.  Owner of what changes: the center's lock,
 * or with MEMPOOL_SINGLE the one thread.
 *
 * Objects in threads' fronts are live for the stock.  Who waits is in the queue
 * of `waiting`, which keeps no element: min is 0.  While somebody waits no
 * object is free, except that he has not woken yet.
 */
struct object_cache {
	struct kept kept;
	size_t most; /* objects that may exist; SIZE_MAX: no bound */
	enum mempool_exhaustion exhaustion;
	bool redzones;	  /* behind each object */
	bool careful;	  /* there is something to check at put, */
	bool wary;	  /* and at get */
	bool dying;	  /* being destroyed: waiters give up */
	uint32_t inside;  /* calls that wait; a futex word for the destroyer */
	unsigned walkers; /* spans may not go while somebody walks */
	struct reserve waiting;
	int (*construct)(void *object, void *arg);
	void (*destroy)(void *object, void *arg);
	bool (*verify)(const void *object, void *arg);
	void *arg;
};

static inline struct stock *object_cache_stock(const struct object_cache *c)
{
	return (struct stock *)c - 1;
}

static inline struct center *object_cache_center(const struct object_cache *c)
{
	return (struct center *)((char *)object_cache_stock(c) -
				 offsetof(struct center, stocks));
}

static inline struct object_cache *object_cache_of(mempool_cache_t *cache)
{
	return (struct object_cache *)&((struct center *)cache)->stocks[1];
}

static inline void object_cache_lock(struct object_cache *c)
{
	center_lock(object_cache_center(c));
}

static inline void object_cache_unlock(struct object_cache *c)
{
	center_unlock(object_cache_center(c));
}

static inline size_t object_cache_size(const struct object_cache *c)
{
	return object_cache_center(c)->object_size;
}

static inline const char *object_cache_name(const struct object_cache *c)
{
	return object_cache_center(c)->pool.entry.name;
}

/* Whether threads have fronts. */
static inline bool object_cache_has_fronts(const struct object_cache *c)
{
	return object_cache_center(c)->open.slot >= 0;
}

/* All spans, in the order they came in; those that come meanwhile as well. */
#define object_cache_each_span(s, c)                                           \
	for (struct span *s = list_first(                                      \
		     &object_cache_center(c)->blocks.spans, struct span, all); \
	     s; s = list_next(s, struct span, all))

/* Constructed ones and busy ones: no more than `most`. */
static inline size_t object_cache_existing(const struct object_cache *c)
{
	return object_cache_center(c)->blocks.used * c->kept.objects -
	       c->kept.raw;
}

/* The objects of word `w` of a span whose bits are set in `bits`, one by one.
 */
#define object_cache_each(object, bits, c, s, w)                               \
	for (uint64_t object##_rest = (bits);                                  \
	     object##_rest &&                                                  \
	     (object = stock_object(                                           \
		      object_cache_stock(c), s,                                \
		      (w)*64 + (unsigned)__builtin_ctzll(object##_rest)));     \
	     object##_rest &= object##_rest - 1)

#endif
