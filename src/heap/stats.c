/* SPDX-License-Identifier: MIT */
/*
 * stats.c - what the heap can say about itself.
 *
 * The threads go on while their caches are read, so counts may be off by the
 * calls under way; with one thread they are exact.
 */
#include "heap/stats.h"

#include "base/common.h"
#include "heap/cache.h"
#include "heap/cache_enter.h"
#include "heap/central.h"
#include "heap/heap.h"
#include "heap/record.h"
#include "heap/registry.h"

struct walk {
	unsigned c;
	struct cache_sum sum;
};

void stats_add_cache(struct cache_sum *sum, const struct cache *t, unsigned c)
{
	void **bottom = __atomic_load_n(&t->of[c].alloc, __ATOMIC_RELAXED);
	void **top = __atomic_load_n(&t->of[c].free, __ATOMIC_RELAXED);

	if (bottom)
		sum->on_alloc_sides += magazine_count(bottom - 1);
	if (top)
		sum->on_free_sides += magazine_freed(top, class_fill(c));
	sum->loaded += __atomic_load_n(&t->loaded[c], __ATOMIC_RELAXED);
	sum->unloaded += __atomic_load_n(&t->unloaded[c], __ATOMIC_RELAXED);
}

void stats_of(struct class_stats *stats, unsigned c, const struct central *k,
	      const struct cache_sum *sum)
{
	uint64_t cached = sum->on_alloc_sides + sum->on_free_sides;

	*stats = (struct class_stats){ .size = class_size(c) };
	stats->allocs = k->allocs + sum->loaded - sum->on_alloc_sides;
	stats->frees = k->frees + sum->unloaded + sum->on_free_sides;
	if (stats->allocs > stats->frees)
		stats->live = stats->allocs - stats->frees;
	/* What lies in threads' magazines is live until they return it. */
	stats->peak = min_of(max_of(k->peak, stats->live), stats->allocs);
	stats->cached = k->depot.objects + sum->racks.objects + cached;
	stats->stock = k->slabs.free_objects + stats->cached;
	stats->low_water = k->slabs.low_water;
	stats->reserve_min = k->reserve.min;
	stats->reserve_current = k->reserve.current;
	stats->reserve_used = k->reserve.used;
	stats->slabs = k->slabs.count;
	stats->committed_bytes = slab_committed_bytes(&k->slabs);
	stats->returned_bytes = k->slabs.returned_bytes;
	if (k->sampled)
		stats->waste_bytes =
			k->sampled_waste * stats->live / k->sampled;
	stats->refills = k->refills;
	stats->drains = k->drains;
	stats->depot_hits = k->depot_hits + sum->racks.hits;
	stats->waits = __atomic_load_n(&k->reserve.waits, __ATOMIC_RELAXED);
	stats->failures = k->failures;
}

static void add_cache(struct cache *t, void *data)
{
	struct walk *walk = data;

	stats_add_cache(&walk->sum, t, walk->c);
}

void heap_class_stats(unsigned c, struct class_stats *stats)
{
	struct central *k = &central[c];
	struct walk walk = { .c = c };
	bool entered;

	if (!heap_is_on()) {
		*stats = (struct class_stats){ .size = class_size(c) };
		return;
	}
	/* Inside a slow path of this thread its locks may be held: go on. */
	entered = cache_enter(&heap_cache);
	if (entered) {
		lock_take(&k->lock);
		registry_walk(add_cache, &walk);
	}
	walk.sum.racks = central_rack_sum(k);
	stats_of(stats, c, k, &walk.sum);
	if (entered) {
		lock_release(&k->lock);
		cache_leave(&heap_cache);
	}
}
