/*
 * roster.h - every pool of the process: for statistics, fork and exit.
 *
 * The list is walked under its own lock, which is taken before that of any
 * pool.  At fork the pools are locked by rank, lowest first, and among equals
 * in the order in which they were made; so a pool that holds its lock may take
 * that of a pool of higher rank, and no other.
 */
#ifndef POOL_ROSTER_H
#define POOL_ROSTER_H

#include "base/common.h"
#include "mempool/stats.h"

enum roster_rank {
	RANK_MEMPOOL,
	RANK_CACHE,
	RANK_TREE,
	RANK_REGION,
	RANK_VAR,
	RANK_FIXED,
	RANK_PAGES,
	RANKS
};

struct roster_entry;

/* What a family of pools can do; each gets the entry inside its pool. */
struct roster_kind {
	const char *name;
	enum roster_rank rank;
	/* Fills all but name and kind.  Called without the pool's lock. */
	void (*stats)(struct roster_entry *e, struct mempool_stats *s);
	/* Around fork; NULL: nothing to do. */
	void (*lock)(struct roster_entry *e);
	void (*unlock)(struct roster_entry *e);
	/* In the child, in the place of unlock; NULL: unlock. */
	void (*fork_child)(struct roster_entry *e);
};

/* Part of each pool.  Owner: the roster's lock. */
struct roster_entry {
	const struct roster_kind *kind;
	struct roster_entry *next, *prev;
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

void roster_fork_prepare(void);
void roster_fork_parent(void);
void roster_fork_child(void);

#endif
