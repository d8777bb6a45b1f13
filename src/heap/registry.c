/* SPDX-License-Identifier: MIT */
/*
 * registry.c - all thread caches of the process.
 *
 * A cache lies in its thread's TLS; it is on the list from the thread's first
 * refill until its destructor runs.
 */
#include "heap/registry.h"

#include "heap/cache.h"

static struct lock lock = LOCK(RANK_REGISTRY);
struct list registry;

void registry_add(struct cache *cache)
{
	lock_take(&lock);
	if (!list_has(&registry, &cache->link))
		list_add(&registry, &cache->link);
	lock_release(&lock);
}

ASIDE void registry_remove(struct cache *cache)
{
	lock_take(&lock);
	if (list_has(&registry, &cache->link))
		list_del(&registry, &cache->link);
	lock_release(&lock);
}

ASIDE void registry_walk(void (*visit)(struct cache *, void *), void *data)
{
	lock_take(&lock);
	list_for_each_safe(struct cache, t, &registry, link)
		visit(t, data);
	lock_release(&lock);
}

void registry_reset(struct cache *self)
{
	lock_reset(&lock);
	registry = (struct list){ 0 };
	if (self)
		list_add(&registry, &self->link);
}

void registry_fork(struct fork_table *t)
{
	fork_lock(t, RANK_REGISTRY, &lock);
}
