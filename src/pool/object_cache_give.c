/*
 * object_cache_give.c - live objects become free, or somebody's who waits.
 */
#include "pool/object_cache_give.h"

#include "base/fault.h"

COLD void object_cache_refuse(const struct object_cache *c, const void *object,
			      enum object_state state)
{
	const char *name = c->entry.name;

	if (state == OBJECT_FOREIGN)
		fault_pool("invalid put", object, name,
			   "the address is in no block of this cache");
	if (state == OBJECT_INSIDE)
		fault_pool("invalid put", object, name,
			   "the address is inside an object, not its start");
	if (state == OBJECT_FREE)
		fault_pool("double put", object, name,
			   "the object is free already");
	if (state != OBJECT_LIVE)
		fault_pool("invalid put", object, name,
			   "no object is made at this address");
}

void object_cache_demand_live(struct object_cache *c, const void *object)
{
	enum object_state state = object_blocks_state(&c->blocks, object);

	if (unlikely(state != OBJECT_LIVE))
		object_cache_refuse(c, object, state);
}

uint32_t *object_cache_give_locked(struct object_cache *c, void *const *objects,
				   size_t count)
{
	uint32_t *wake = NULL;
	enum object_state state;

	for (size_t i = 0; i < count; i++) {
		if (unlikely(reserve_first(&c->waiting))) {
			object_cache_demand_live(c, objects[i]);
			reserve_wake(wake);
			reserve_put(&c->waiting, objects[i], &wake);
			continue;
		}
		state = object_blocks_give(&c->blocks, objects[i]);
		if (unlikely(state != OBJECT_LIVE))
			object_cache_refuse(c, objects[i], state);
	}
	return wake;
}

void object_cache_give(struct object_cache *c, void *const *objects,
		       size_t count)
{
	uint32_t *wake;

	object_cache_lock(c);
	wake = object_cache_give_locked(c, objects, count);
	object_cache_unlock(c);
	reserve_wake(wake);
}
