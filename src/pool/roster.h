/* SPDX-License-Identifier: MIT */
/*
 * roster.h - every pool of the process: for statistics, fork and exit.
 *
 * The list is walked under its own lock, which is taken before that of any
 * pool.  At fork the pools are locked by rank, and among equals in the order in
 * which they were made.
 */
#ifndef POOL_ROSTER_H
#define POOL_ROSTER_H

#include "base/fork_table.h"
#include "base/list.h"
#include "mempool/stats.h"

struct roster_entry;

/* What a family of pools can do; each gets the entry inside its pool. */
struct roster_kind {
	const char *name;
	uint32_t mark; /* of its pools, see pool.h */
	/* Fills all but name and kind.  Called without the pool's lock. */
	void (*stats)(struct roster_entry *e, struct mempool_stats *s);
	/* Around fork, its locks of its ranks; NULL: nothing to do. */
	void (*fork)(struct roster_entry *e, enum lock_rank rank,
		     enum fork_act act);
	/* In a child, when all locks are free; NULL: nothing to do. */
	void (*mend)(struct roster_entry *e);
	enum lock_rank rank, shard_rank;
};

/* Part of each pool.  Owner: the roster's lock. */
struct roster_entry {
	const struct roster_kind *kind;
	struct link link;
	uint64_t number; /* in the order in which they were made, from 1 */
	char name[MEMPOOL_NAME];
};

/*
 * Enters a pool that is ready for use, under `name`, or if that is NULL under
 * `fallback`.
 */
void roster_add(struct roster_entry *e, const struct roster_kind *kind,
		const char *name, const char *fallback);

/* Another name, and the place in the order kept. */
void roster_rename(struct roster_entry *e, const char *name);

/* Before the pool dies. */
void roster_remove(struct roster_entry *e);

/*
 * Calls `visit` for each, under the roster's lock; stops at the first true, and
 * returns that.  Nobody is visited when the list stays locked for 5 s.
 */
bool roster_walk(bool (*visit)(struct roster_entry *e, void *arg), void *arg);

/* The statistics of one, name and kind included. */
void roster_stats(struct roster_entry *e, struct mempool_stats *s);

/*
 * Fills rows[0..most) with the statistics of the pools made after number
 * *after, 0 for all; *after becomes the number of the last.  Returns how many,
 * fewer than `most` only when there are no more; -EBUSY when somebody, such as
 * a fork, keeps the list locked for 5 s.
 */
int roster_read(uint64_t *after, struct mempool_stats *rows, int most);

/* Rows of the table of fork: the list; all pools of a rank. */
void roster_fork(struct fork_table *t);
void roster_fork_pools(struct fork_table *t, enum lock_rank rank);

#endif
