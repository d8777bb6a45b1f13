/*
 * object_cache_give.h - live objects become free, or somebody's who waits.
 */
#ifndef POOL_OBJECT_CACHE_GIVE_H
#define POOL_OBJECT_CACHE_GIVE_H

#include "pool/object_cache.h"

/* Ends the program: an object in this state cannot be put. */
void object_cache_refuse(const struct object_cache *c, const void *object,
			 enum object_state state);

/* The same for one that is not live.  Caller holds the lock. */
void object_cache_demand_live(struct object_cache *c, const void *object);

/*
 * Live objects become free, or somebody's who waits.  One that is not live
 * ends the program.  Takes the lock.
 */
void object_cache_give(struct object_cache *c, void *const *objects,
		       size_t count);

/* The same with the lock held; who is to be woken without it, or NULL. */
uint32_t *object_cache_give_locked(struct object_cache *c, void *const *objects,
				   size_t count);

#endif
