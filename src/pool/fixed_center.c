/* SPDX-License-Identifier: MIT */
/*
 * fixed_center.c - a pool of objects of one or more sizes: its life.
 */
#include "pool/fixed_center.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/errors.h"
#include "base/tool.h"
#include "pool/debug.h"
#include "pool/fixed_kept.h"
#include "pool/local.h"
#include "pool/pages_source.h"

enum {
	MAGAZINE_BYTES_WORTH = 32 << 10,
	SPINS = 100,
	FIRST_NAP_NS = 10000,
	LONGEST_NAP_NS = 1000000,
};

static void start_cells(struct cells *cells, struct mempool_pages *source)
{
	cells->blocks.source = source;
	blocks_init(&cells->blocks, SPAN_BYTES, CELL_BYTES);
	cells->blocks.most = SPAN_BYTES;
	stock_init(&cells->stock, &cells->blocks, CELL_BYTES);
	cells->stock.slots = SPAN_BYTES / CELL_BYTES;
}

/* One record: center, stocks, what is behind them; and shards and cells. */
struct center *center_new(const struct roster_kind *kind, unsigned classes,
			  size_t extra, bool keeps,
			  const struct mempool_options *o)
{
	bool locked = o->threading != MEMPOOL_SINGLE;
	bool watched = debug_watched();
	unsigned shards = locked && !keeps && !watched ? SHARDS : 0;
	size_t own = round_up(sizeof(struct center) +
				      classes * sizeof(struct stock) + extra,
			      64);
	size_t bytes = own + shards * sizeof(struct shard) +
		       (keeps ? 0 : round_up(sizeof(struct cells), 64));
	struct center *c = aligned_alloc(64, bytes);

	if (!c)
		return refused(ENOMEM);
	memset(c, 0, bytes);
	c->classes = classes;
	c->open.slot = -1;
	c->watched = watched;
	pool_init(&c->pool, kind, locked);
	if (watched)
		c->pool.alive = pool_watched_mark(kind);
	c->blocks.source = o->pages;
	c->blocks.limit = o->limit;
	c->shards_used = shards;
	c->shards = (struct shard *)((char *)c + own);
	if (keeps)
		return c;
	c->cells = (struct cells *)(c->shards + shards);
	start_cells(c->cells, o->pages);
	return c;
}

/*
 * So that a side holds no more bytes than that; a power of two.  What is kept
 * was worth a constructor: one at least.
 */
static unsigned slots_for(const struct stock *k)
{
	unsigned slots = k->kept ? KEPT_SLOTS : CELL_BYTES / sizeof(void *);
	unsigned least = k->kept ? 2 : 4;

	if (k->size > MAGAZINE_BYTES_WORTH && !k->kept)
		return 0;
	while (slots > least && slots * k->size > MAGAZINE_BYTES_WORTH)
		slots /= 2;
	return slots;
}

/* --- fronts --- */

/* A thread ends, or the pool. */
static void leave(void *pool, void *memory)
{
	struct center *c = pool;

	center_lock(c);
	fronts_destroy(memory, c->stocks, c->classes);
	center_unlock(c);
}

/* That of a fixed pool is where the fast path finds it. */
static struct mempool_front *single_fronts(struct center *c)
{
	if (c->classes > 1)
		return fronts_new(c->stocks, c->classes);
	front_init(&c->open.front, &c->stocks[0]);
	return &c->open.front;
}

/* --- creation and end --- */

static void destroy_blocks(struct center *c)
{
	blocks_destroy(&c->blocks);
	if (c->cells)
		blocks_destroy(&c->cells->blocks);
}

/*
 * The source of the process enters the roster when it is first asked for.  That
 * must not be under the lock of a pool, which a fork takes after the roster's.
 */
bool center_open(struct center *c, const struct mempool_options *o)
{
	source_of(o->pages);
	for (unsigned i = 0; i < c->classes; i++) {
		struct stock *k = &c->stocks[i];

		k->class = i;
		k->pool = c;
		k->name = c->pool.entry.name;
		k->watched = c->watched && !k->kept;
		k->alone = c->classes == 1;
		k->slots = c->watched ? 0 : slots_for(k);
		k->cells = c->cells ? &c->cells->stock : NULL;
	}
	if (o->initial && !blocks_add(&c->blocks, o->initial))
		goto fail;
	if (!c->pool.locked && !c->watched) {
		c->fronts = single_fronts(c);
		if (!c->fronts)
			goto fail;
	}
	if (o->threading == MEMPOOL_THREAD_LOCAL && !c->watched)
		c->open.slot = local_open(c, leave);
	for (unsigned i = 0; i < c->shards_used; i++)
		lock_init(&c->shards[i].lock, c->pool.entry.kind->shard_rank);
	pool_open(&c->pool, o->name);
	if (c->stocks[0].kept)
		tool_pool_kept(c);
	else
		tool_pool(c, true);
	return true;
fail:
	destroy_blocks(c);
	free(c);
	errno = ENOMEM;
	return false;
}

void center_close(struct center *c)
{
	int slot = c->open.slot;

	pool_close(&c->pool);
	if (slot >= 0)
		local_close(slot);
	c->open.slot = -1;
	memset(&c->open.front, 0, sizeof(c->open.front));
}

void center_destroy(struct center *c)
{
	center_close(c);
	center_end(c);
}

void center_end(struct center *c)
{
	tool_pool(c, false);
	destroy_blocks(c);
	pool_bury(c);
}

/* --- entering --- */

/* A nap rather than a yield: the holder may be a thread of lower priority. */
void shard_wait(struct shard *s)
{
	struct timespec nap = { 0, FIRST_NAP_NS };
	int saved = errno;

	for (int i = 0; !lock_try(&s->lock); i++) {
		while (i < SPINS && lock_is_taken(&s->lock))
			i++;
		if (i < SPINS)
			continue;
		nanosleep(&nap, NULL);
		nap.tv_nsec = min_of(2 * nap.tv_nsec, (long)LONGEST_NAP_NS);
	}
	errno = saved;
}

void center_lock_shards(struct center *c)
{
	for (unsigned i = 0; i < c->shards_used; i++) {
		struct shard *s = &c->shards[i];

		witness_ask(&s->lock, lock_rank_of(&s->lock));
		shard_wait(s);
	}
}

void center_unlock_shards(struct center *c)
{
	for (unsigned i = 0; i < c->shards_used; i++)
		lock_drop(&c->shards[i].lock);
}

void center_lock_all(struct center *c)
{
	center_lock_shards(c);
	center_lock(c);
}

void center_unlock_all(struct center *c)
{
	center_unlock(c);
	center_unlock_shards(c);
}

COLD void center_enter_slow(struct center *c, const struct roster_kind *kind)
{
	if (c->pool.alive != pool_watched_mark(kind))
		pool_refuse(&c->pool, kind, c);
	pool_demand_owner(&c->pool, c);
}
