/* SPDX-License-Identifier: MIT */
/*
 * fixed_center.h - a pool of objects of one or more sizes, in three forms.
 *
 * Fixed pools have one size, variable pools a few dozen (`class`).  Stocks are
 * at the bottom; above them are fronts, a pair of stacks for each class:
 *
 *   single        one set of fronts, which the fast path knows
 *   locked        SHARDS sets with a lock each; a thread that finds its shard
 *                 held moves on to the next one, and stays there
 *   thread-local  a set a thread, hung into its slot; and shards for those
 *                 who can have none
 *
 */
#ifndef POOL_FIXED_CENTER_H
#define POOL_FIXED_CENTER_H

#include "mempool/fixed.h"
#include "pool/fixed_front.h"
#include "pool/pool.h"

enum {
	SHARDS = 8,
	CENTER_CLASSES = CELL_BYTES / sizeof(struct mempool_front),
};

/*
 * One of a few sets of fronts that threads share.  All take its lock by
 * lock_try(), for one atomic operation where others have two, and by themselves
 * look again when it is held; that is rare, for a thread takes the next one.
 * fronts: one a class; NULL until it is used.  Owner: its lock.
 */
struct shard {
	struct lock lock;
	struct mempool_front *fronts;
} __attribute__((aligned(64)));

/* Outlined: waits until the shard is ours. */
void shard_wait(struct shard *s);

/* Where magazines and fronts lie, in blocks of their own. */
struct cells {
	struct blocks blocks;
	struct stock stock;
};

/*
 * A single pool is one without a lock.  watched: no fronts at all.  cells: NULL
 * where objects are kept.  shards_used: 0 or SHARDS, of a pool with a lock that
 * is not watched and keeps no objects.
 */
struct center {
	struct mempool_fixed open;    /* what the fast path sees */
	struct mempool_front *fronts; /* of a single pool; else NULL */
	struct pool pool;
	bool watched;
	unsigned classes;
	size_t object_size; /* as asked for; 0: any */
	uint64_t failures;
	/* Objects beyond the classes. */
	size_t large, large_bytes, large_most;
	struct blocks blocks;
	struct cells *cells;
	unsigned shards_used;
	struct shard *shards;
	struct stock stocks[];
};

/*
 * A center with `classes` stocks whose sizes are not set, blocks neither, and
 * `extra` zeroed bytes behind them; `keeps`: its objects.  Options were
 * checked. NULL with ENOMEM.
 */
struct center *center_new(const struct roster_kind *kind, unsigned classes,
			  size_t extra, bool keeps,
			  const struct mempool_options *o);

/* Prepares blocks and stocks, once sizes are set.  False: memory is out. */
bool center_open(struct center *c, const struct mempool_options *o);

/* The record is kept for a while, to know its address if it is used again. */
void center_destroy(struct center *c);

/* Its halves: nobody can find it any more; its memory goes. */
void center_close(struct center *c);
void center_end(struct center *c);

/* Outlined: ends the program, if there is a reason. */
void center_enter_slow(struct center *c, const struct roster_kind *kind);

/* Ends the program when `c` is no living pool, or the caller not its owner. */
static inline void center_enter(struct center *c,
				const struct roster_kind *kind)
{
	if (unlikely(c->pool.alive != kind->mark))
		center_enter_slow(c, kind);
}

/* Bytes of blocks, with what is known of them, and of magazines and fronts. */
static inline size_t center_held(const struct center *c)
{
	return c->blocks.held + c->blocks.records +
	       (c->cells ? c->cells->blocks.held : 0);
}

static inline void center_lock(struct center *c)
{
	pool_lock(&c->pool);
}

static inline void center_unlock(struct center *c)
{
	pool_unlock(&c->pool);
}

void center_lock_shards(struct center *c);
void center_unlock_shards(struct center *c);

/* All locks: nobody else is in a stack that others may touch. */
void center_lock_all(struct center *c);
void center_unlock_all(struct center *c);

/* The fronts of a single or thread-local pool; NULL: none, or shards. */
static inline struct mempool_front *center_fronts(const struct center *c)
{
	if (c->open.slot < 0)
		return c->fronts;
	return (struct mempool_front *)mempool_local[c->open.slot];
}

#endif
