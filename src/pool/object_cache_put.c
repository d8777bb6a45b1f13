/* SPDX-License-Identifier: MIT */
/*
 * object_cache_put.c - objects of a cache come back: judged, then put into the
 * thread's front, or they become free, or somebody's who waits.
 */
#include "pool/object_cache.h"

#include "pool/fixed_center_calls.h"
#include "pool/object_cache_get.h"
#include "pool/object_cache_kind.h"

/* It is none of this cache's objects, unless they move about right now. */
COLD static void demand_ours(struct object_cache *c, const void *object)
{
	object_cache_lock(c);
	stock_accuse(object_cache_stock(c), object);
	object_cache_unlock(c);
}

/*
 * The verify function may see the object only when it is live, and not under
 * the lock; give() looks at the mark again.
 */
static void check_live(struct object_cache *c, const void *object)
{
	demand_ours(c, object);
	object_cache_check_object(c, object);
	object_cache_hide(c, object);
}

/* A live object becomes free, or somebody's who waits. */
NOINLINE static void give(struct object_cache *c, void *object)
{
	struct stock *k = object_cache_stock(c);
	uint32_t *wake = NULL;

	if (c->careful)
		check_live(c, object);
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

/* Nobody waits here: who runs dry makes one. */
NOINLINE __attribute__((nonnull)) static void give_front(struct object_cache *c,
							 void *object, int slot)
{
	struct center *center = object_cache_center(c);
	struct mempool_front *front;

	/* Whether it is live shows when the front spills. */
	if (unlikely(!kept_owns(object_cache_stock(c), &center->blocks,
				&c->kept, object)))
		demand_ours(c, object);
	if (unlikely(c->careful))
		object_cache_check_object(c, object);
	front = (struct mempool_front *)mempool_local[slot];
	if (unlikely(!front || !mempool_front_push(front, object)))
		center_free(center, 0, object);
}

void mempool_cache_put(mempool_cache_t *cache, void *object)
{
	struct object_cache *c;
	int slot;

	if (unlikely(!object))
		return;
	c = object_cache_enter(cache);
	slot = object_cache_center(c)->open.slot;
	if (slot >= 0)
		give_front(c, object, slot);
	else
		give(c, object);
}
