/* SPDX-License-Identifier: MIT */
/*
 * fixed.c - pools of objects of one size.
 */
#include "mempool/fixed.h"

#include <string.h>

#include "base/errors.h"
#include "base/fault.h"
#include "base/sys.h"
#include "pool/fixed_center_calls.h"
#include "pool/fixed_report.h"

enum { ALIGN_DEFAULT = 16, ALIGN_TINY = 8, SPAN_OBJECTS = 16 };

/* Pointers in the longest array there can be. */
#define ARRAY_MOST (PTRDIFF_MAX / sizeof(void *))

static const struct roster_kind kind = {
	.name = "fixed",
	.mark = 0x66697865,
	.stats = report_stats,
	.fork = report_fork,
	.rank = RANK_FIXED,
	.shard_rank = RANK_FIXED_SHARD,
};

static struct center *center_of(mempool_fixed_t *pool)
{
	struct center *c = (struct center *)pool;

	center_enter(c, &kind);
	return c;
}

/* The bytes of 2^MEMPOOL_MAX_ORDER pages: no source aligns to more. */
static size_t largest_align(void)
{
	return mempool_pages_size(MEMPOOL_MAX_ORDER);
}

/*
 * Large objects make spans longer, so that little is left over; a low limit
 * makes them shorter, so that some fit.
 */
static size_t span_bytes(size_t size, size_t limit)
{
	size_t bytes = SPAN_BYTES, least = sys_page();

	while (bytes < largest_align() && bytes / SPAN_OBJECTS < size)
		bytes *= 2;
	while (limit && bytes > least && bytes > limit / 4)
		bytes /= 2;
	return bytes;
}

/* Sets sizes and spans.  An object may be longer than other spans are. */
static void shape(struct center *c, size_t size, size_t align, size_t limit)
{
	size_t unit = max_of(align, sys_page());

	size = round_up(size, align);
	stock_init(&c->stocks[0], &c->blocks, size);
	blocks_init(&c->blocks,
		    max_of(span_bytes(size, limit), round_up(size, unit)),
		    unit);
	c->blocks.least = size;
}

mempool_fixed_t *mempool_fixed_create(size_t size,
				      const struct mempool_options *options)
{
	const struct mempool_options *o =
		pool_options(options, largest_align() / 2, PTRDIFF_MAX);
	size_t align = size > ALIGN_TINY ? ALIGN_DEFAULT : ALIGN_TINY;
	struct center *c;

	if (!o || !size || size > PTRDIFF_MAX)
		return refused(EINVAL);
	if (o->align)
		align = max_of(o->align, (size_t)ALIGN_TINY);
	if (size > PTRDIFF_MAX - 4 * largest_align())
		return refused(ENOMEM);
	c = center_new(&kind, 1, 0, false, o);
	if (!c)
		return NULL;
	c->object_size = size;
	shape(c, size, align, o->limit);
	return center_open(c, o) ? &c->open : NULL;
}

void mempool_fixed_destroy(mempool_fixed_t *pool)
{
	if (pool)
		center_destroy(center_of(pool));
}

void *mempool_fixed_alloc_slow(mempool_fixed_t *pool)
{
	if (!pool)
		return refused(EINVAL);
	return center_alloc(center_of(pool), 0);
}

void mempool_fixed_free_slow(mempool_fixed_t *pool, void *object)
{
	struct center *c;

	if (!pool) {
		center_free_nowhere(object);
		return;
	}
	c = center_of(pool);
	if (object)
		center_free(c, 0, object);
}

int mempool_fixed_alloc_bulk_slow(mempool_fixed_t *pool, void **objects,
				  size_t count)
{
	struct center *c;
	int error = 0;

	if (!pool || (!objects && count) || count > ARRAY_MOST) {
		error = EINVAL;
	} else {
		c = center_of(pool);
		if (count && !center_alloc_bulk(c, objects, count))
			error = ENOMEM;
	}
	return failed(-error);
}

void mempool_fixed_free_bulk_slow(mempool_fixed_t *pool, void *const *objects,
				  size_t count)
{
	struct center *c = pool ? center_of(pool) : NULL;

	if (count && (!objects || count > ARRAY_MOST))
		fault_pool("invalid free", objects,
			   c ? c->pool.entry.name : "none",
			   "no array of objects is so long, or at NULL");
	if (c) {
		center_free_bulk(c, objects, count);
		return;
	}
	for (size_t i = 0; i < count; i++)
		center_free_nowhere(objects[i]);
}

void *mempool_fixed_zalloc(mempool_fixed_t *pool)
{
	void *object = mempool_fixed_alloc(pool);

	if (object)
		memset(object, 0, ((struct center *)pool)->object_size);
	return object;
}

bool mempool_fixed_owns(mempool_fixed_t *pool, const void *p)
{
	struct center *c;
	bool owns;

	if (!pool || !p)
		return false;
	c = center_of(pool);
	center_lock(c);
	owns = stock_owns(&c->stocks[0], p);
	center_unlock(c);
	return owns;
}

size_t mempool_fixed_trim(mempool_fixed_t *pool)
{
	return pool ? center_trim(center_of(pool)) : 0;
}

void mempool_fixed_stats(mempool_fixed_t *pool, struct mempool_stats *stats)
{
	report_show(pool ? center_of(pool) : NULL, stats);
}

void mempool_fixed_check(mempool_fixed_t *pool)
{
	if (pool)
		report_check(center_of(pool));
}
