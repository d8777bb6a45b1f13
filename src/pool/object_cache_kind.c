/* SPDX-License-Identifier: MIT */
/*
 * object_cache_kind.c - what is common to all object caches: how they are
 * known, described and forked.
 */
#include "pool/object_cache_kind.h"

#include "base/errors.h"
#include "pool/fixed_report.h"

static struct object_cache *cache_of_entry(struct roster_entry *e)
{
	return object_cache_of(
		(mempool_cache_t *)pool_record(e, struct center));
}

/* As many bytes as were asked for, whatever lies behind them. */
static void fill_stats(struct roster_entry *e, struct mempool_stats *s)
{
	struct object_cache *c = cache_of_entry(e);
	size_t records;

	report_stats(e, s);
	s->live_bytes = s->live * s->object_size;
	object_cache_lock(c);
	s->peak_bytes = object_cache_stock(c)->most_out * s->object_size;
	records = sizeof(struct center) + sizeof(struct stock) + sizeof *c;
	s->waits = c->waiting.waits;
	object_cache_unlock(c);
	s->overhead_bytes += records;
	s->held_bytes += records;
}

/*
 * Who waited is not in the child.  An object whose constructor or destructor
 * was at work in another thread stays busy: it is half made.  After a walk in
 * another thread spans are not given back: this one may be walking, too.
 */
static void mend(struct roster_entry *e)
{
	struct object_cache *c = cache_of_entry(e);

	c->waiting.queue = (struct list){ 0 };
	c->inside = 0;
}

const struct roster_kind object_cache_kind = {
	.name = "cache",
	.mark = OBJECT_CACHE_MARK,
	.stats = fill_stats,
	.fork = report_fork,
	.mend = mend,
	.rank = RANK_CACHE,
};

COLD void object_cache_demand(mempool_cache_t *cache)
{
	const struct center *c = (struct center *)cache;

	if (!c)
		fault_pool("use", NULL, NULL, "no cache is there");
	if (c->pool.alive != pool_watched_mark(&object_cache_kind))
		pool_demand(&c->pool, &object_cache_kind, c);
}

COLD struct object_cache *object_cache_enter_slow(mempool_cache_t *cache)
{
	object_cache_demand(cache);
	pool_demand_owner(&((struct center *)cache)->pool, cache);
	return object_cache_of(cache);
}

int mempool_cache_stats(mempool_cache_t *cache, struct mempool_stats *stats)
{
	if (!cache || !stats)
		return failed(-EINVAL);
	object_cache_demand(cache);
	roster_stats(&((struct center *)cache)->pool.entry, stats);
	return 0;
}
