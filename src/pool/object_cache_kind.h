/* SPDX-License-Identifier: MIT */
/*
 * object_cache_kind.h - what is common to all object caches: how they are
 * known, described and forked.
 */
#ifndef POOL_OBJECT_CACHE_KIND_H
#define POOL_OBJECT_CACHE_KIND_H

#include "pool/object_cache.h"

enum { OBJECT_CACHE_MARK = 0x6f626a62 };

extern HIDDEN const struct roster_kind object_cache_kind;

/* Ends the program when it is destroyed or none. */
void object_cache_demand(mempool_cache_t *cache);

/* Outlined half. */
struct object_cache *object_cache_enter_slow(mempool_cache_t *cache);

/*
 * Ends the program when it is destroyed or none; with DEBUG_OWNER also when a
 * second thread uses a cache without a lock.
 */
static inline struct object_cache *object_cache_enter(mempool_cache_t *cache)
{
	const struct center *c = (struct center *)cache;

	if (unlikely(!c) || unlikely(c->pool.alive != OBJECT_CACHE_MARK))
		return object_cache_enter_slow(cache);
	return object_cache_of(cache);
}

#endif
