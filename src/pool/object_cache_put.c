/* SPDX-License-Identifier: MIT */
/*
 * object_cache_put.c - objects of a cache come back: judged, then put into the
 * thread's front, or they become free, or somebody's who waits.
 */
#include "pool/object_cache.h"

#include "pool/fixed_center_calls.h"
#include "pool/object_cache_get.h"
#include "pool/object_cache_kind.h"

/* Its address is right; whether it is live shows when the front spills. */
static void demand_ours(struct object_cache *c, const void *object)
{
	struct stock *k = object_cache_stock(c);

	if (likely(kept_owns(k, &object_cache_center(c)->blocks, &c->kept,
			     object)))
		return;
	object_cache_lock(c);
	stock_accuse(k, object);
	object_cache_unlock(c);
}

/*
 * The verify function may see the object only when it is live, and not under
 * the lock; give() looks at the mark again.
 */
static void check_live(struct object_cache *c, const void *object)
{
	object_cache_lock(c);
	stock_accuse(object_cache_stock(c), object);
	object_cache_unlock(c);
	object_cache_check_object(c, object);
	object_cache_hide(c, object);
}

/* A live object becomes free, or somebody's who waits. */
static void give(struct object_cache *c, void *object)
{
	struct stock *k = object_cache_stock(c);
	uint32_t *wake = NULL;

	object_cache_lock(c);
	if (unlikely(reserve_first(&c->waiting))) {
		stock_accuse(k, object);
		reserve_put(&c->waiting, object, &wake);
	} else {
		stock_give_one(k, object);
	}
	object_cache_unlock(c);
	if (unlikely(wake))
		reserve_wake(wake);
}

void mempool_cache_put(mempool_cache_t *cache, void *object)
{
	struct mempool_front *front;
	struct object_cache *c;
	int slot;

	if (unlikely(!object))
		return;
	c = object_cache_enter(cache);
	slot = object_cache_center(c)->open.slot;
	if (slot >= 0) {
		demand_ours(c, object);
		if (c->careful)
			object_cache_check_object(c, object);
		front = (struct mempool_front *)mempool_local[slot];
		/* Nobody waits here: who runs dry makes one. */
		if (unlikely(!front || !mempool_front_push(front, object)))
			center_free(object_cache_center(c), 0, object);
		return;
	}
	if (c->careful)
		check_live(c, object);
	give(c, object);
}
