/*
 * object_cache_put.c - objects of a cache come back: judged, then put into the
 * thread's stock or given back.
 */
#include "pool/object_cache.h"

#include "base/tool.h"
#include "pool/object_cache_get.h"
#include "pool/object_cache_give.h"
#include "pool/object_cache_stock.h"

/* Its address is right; whether it is live shows when the stock spills. */
static void demand_ours(struct object_cache *c, const void *object)
{
	if (likely(object_blocks_own(&c->blocks, object)))
		return;
	object_cache_lock(c);
	object_cache_demand_live(c, object);
	object_cache_unlock(c);
}

/*
 * The verify function may see the object only when it is live, and not under
 * the lock; object_cache_give() looks at the mark again.
 */
static void check_live(struct object_cache *c, const void *object)
{
	object_cache_lock(c);
	object_cache_demand_live(c, object);
	object_cache_unlock(c);
	object_cache_check_object(c, object);
	tool_object(c, object, c->size, false);
}

void mempool_cache_put(mempool_cache_t *cache, void *object)
{
	struct object_cache *c = object_cache_of(cache);

	if (unlikely(!object))
		return;
	object_cache_demand(c);
	if (c->head.slot >= 0) {
		demand_ours(c, object);
		if (c->careful)
			object_cache_check_object(c, object);
		if (object_cache_push(c, object))
			return;
	} else if (c->careful) {
		check_live(c, object);
	}
	object_cache_give(c, &object, 1);
}
