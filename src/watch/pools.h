/* SPDX-License-Identifier: MIT */
/*
 * pools.h - what libmempool's pools say, for whoever prints statistics.
 *
 * libmempool hands a function that walks its pools to the libmpool.so that is
 * preloaded, or to its own copy of this file.  A process may have the library
 * several times: linked in, and brought by plug-ins.
 */
#ifndef WATCH_POOLS_H
#define WATCH_POOLS_H

#include "base/common.h"
#include "mempool/stats.h"

enum {
	POOLS_VERSION = 1, /* of struct mempool_stats and pools_walk_t */
	POOLS_WALKERS = 4,
	POOLS_MOST = 256,
};

typedef int pools_visit_t(const struct mempool_stats *stats, void *arg);

/* As mempool_stats_walk(). */
typedef int pools_walk_t(pools_visit_t *visit, void *arg);

/*
 * Pools of the same name, kind and size of objects: one, or the sum of several.
 * Then peak_bytes is a sum of peaks that need not have met.
 */
struct pools_row {
	struct mempool_stats stats;
	uint64_t pools;
};

/* rows[0..count) in the order in which their first pools were made. */
struct pools {
	uint64_t count;
	uint64_t left_out; /* pools for which there was no row */
	struct pools_row rows[POOLS_MOST];
};

/*
 * From now on the pools that `walk` finds are in each snapshot.  It must stay
 * callable till the process ends.  Returns 0, or -EINVAL for a version that is
 * not this one, -ENOSPC when there are too many.  Any thread; allocates
 * nothing.
 */
int pools_attach(unsigned version, pools_walk_t *walk);

/* Collects all of them.  Sleeps while a pool is locked; allocates nothing. */
void pools_take(struct pools *pools);

/* Adds up all rows; name, kind and size of the total are zero. */
void pools_sum(const struct pools *pools, struct pools_row *total);

#endif
