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

#include <pthread.h>

#include "base/lock.h"
#include "mempool/fixed.h"
#include "pool/fixed_blocks.h"
#include "pool/fixed_cells.h"
#include "pool/fixed_shard.h"
#include "pool/fixed_stock.h"
#include "pool/roster.h"

enum {
	SHARDS = 8,
	CENTER_CLASSES = CELL_BYTES / sizeof(struct mempool_front),
	CENTER_ALIVE = 0x66697865,
};

/*
 * alive: CENTER_ALIVE, until it is destroyed.  watched: no fronts at all.
 * owner: the first thread of a single pool that is watched.
 */
struct center {
	struct mempool_fixed open;    /* what the fast path sees */
	struct mempool_front *fronts; /* of a single pool; else NULL */
	uint32_t alive;
	struct lock lock;
	bool single, watched, owned;
	unsigned classes;
	pthread_t owner;
	size_t object_size; /* as asked for; 0: any */
	uint64_t failures;
	/* Objects beyond the classes; held: with headers and rounding. */
	size_t large, large_bytes, large_most, large_held;
	struct blocks blocks;
	struct cells cells;
	struct roster_entry entry;
	struct center *next; /* among the dead */
	struct shard shards[SHARDS];
	struct stock stocks[];
};

static inline struct center *center_of_entry(struct roster_entry *e)
{
	return (struct center *)((char *)e - offsetof(struct center, entry));
}

/*
 * A center with `classes` stocks whose sizes are not set, blocks neither, and
 * `extra` zeroed bytes behind them; options were checked.  NULL with ENOMEM.
 */
struct center *center_new(unsigned classes, size_t extra,
			  const struct mempool_options *o);

/* Prepares blocks and stocks, once sizes are set.  False: memory is out. */
bool center_open(struct center *c, const struct mempool_options *o,
		 const struct roster_kind *kind);

/* The record is kept for a while, to know its address if it is used again. */
void center_destroy(struct center *c);

/* 0, EINVAL, for all that fixed and variable pools have in common. */
int center_check_options(const struct mempool_options *o, size_t most_align);

/* Outlined: ends the program, if there is a reason. */
void center_enter_slow(struct center *c);

/* Ends the program when `c` is no living pool, or the caller not its owner. */
static inline void center_enter(struct center *c)
{
	if (unlikely(c->alive != CENTER_ALIVE || c->watched))
		center_enter_slow(c);
}

static inline void center_lock(struct center *c)
{
	if (!c->single)
		lock_take(&c->lock);
}

static inline void center_unlock(struct center *c)
{
	if (!c->single)
		lock_release(&c->lock);
}

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
