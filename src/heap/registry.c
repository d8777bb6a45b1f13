/*
 * registry.c - all thread caches of the process.
 *
 * A cache lies in its thread's TLS; it is on the list from the thread's first
 * refill until its destructor runs.
 */
#include "heap/registry.h"

#include "heap/cache.h"

static struct lock lock = LOCK(RANK_REGISTRY);
struct cache *registry_first;

static bool is_listed(const struct cache *cache)
{
	return cache->prev || registry_first == cache;
}

void registry_add(struct cache *cache)
{
	lock_take(&lock);
	if (!is_listed(cache)) {
		cache->next = registry_first;
		if (registry_first)
			registry_first->prev = cache;
		registry_first = cache;
	}
	lock_release(&lock);
}

void registry_remove(struct cache *cache)
{
	lock_take(&lock);
	if (is_listed(cache)) {
		if (cache->next)
			cache->next->prev = cache->prev;
		if (cache->prev)
			cache->prev->next = cache->next;
		else
			registry_first = cache->next;
		cache->prev = NULL;
	}
	lock_release(&lock);
}

void registry_walk(void (*visit)(struct cache *, void *), void *data)
{
	lock_take(&lock);
	for (struct cache *t = registry_first, *next; t; t = next) {
		next = t->next;
		visit(t, data);
	}
	lock_release(&lock);
}

void registry_reset(struct cache *self)
{
	lock_reset(&lock);
	registry_first = self;
	if (self)
		self->next = self->prev = NULL;
}

void registry_fork(struct fork_table *t)
{
	fork_lock(t, RANK_REGISTRY, &lock);
}
