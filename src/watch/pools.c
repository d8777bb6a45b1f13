/* SPDX-License-Identifier: MIT */
/*
 * pools.c - what libmempool's pools say, for whoever prints statistics.
 *
 * Pools that look the same to the reader are added up on the way, so a server
 * with a region for each of ten thousand requests takes one row, and a
 * time series has one name for as long as the program runs.
 */
#include "watch/pools.h"

#include <errno.h>
#include <string.h>

#include "watch/metrics.h"

static pools_walk_t *walkers[POOLS_WALKERS];

int pools_attach(unsigned version, pools_walk_t *walk)
{
	if (version != POOLS_VERSION || !walk)
		return -EINVAL;
	for (int i = 0; i < POOLS_WALKERS; i++) {
		pools_walk_t *there = NULL;

		/* Pairs with the acquire in pools_take(). */
		if (__atomic_compare_exchange_n(&walkers[i], &there, walk,
						false, __ATOMIC_RELEASE,
						__ATOMIC_RELAXED) ||
		    there == walk)
			return 0;
	}
	return -ENOSPC;
}

static bool same(const struct mempool_stats *a, const struct mempool_stats *b)
{
	return a->object_size == b->object_size &&
	       strncmp(a->name, b->name, sizeof a->name) == 0 &&
	       strncmp(a->kind, b->kind, sizeof a->kind) == 0;
}

/* The row of its like, the one made last first; NULL: none yet. */
static struct pools_row *find(struct pools *pools,
			      const struct mempool_stats *stats)
{
	for (uint64_t i = pools->count; i-- > 0;)
		if (same(&pools->rows[i].stats, stats))
			return &pools->rows[i];
	return NULL;
}

static int collect(const struct mempool_stats *stats, void *arg)
{
	struct pools *pools = arg;
	struct pools_row *row = find(pools, stats);

	if (!row) {
		if (pools->count == POOLS_MOST) {
			pools->left_out++;
			return 0;
		}
		row = &pools->rows[pools->count++];
		row->stats = *stats;
		row->stats.name[sizeof row->stats.name - 1] = '\0';
		row->stats.kind[sizeof row->stats.kind - 1] = '\0';
		row->pools = 1;
	} else {
		struct pools_row more = { *stats, 1 };

		metrics_add(&pool_metrics, row, &more);
	}
	return 0;
}

void pools_sum(const struct pools *pools, struct pools_row *total)
{
	memset(total, 0, sizeof *total);
	for (uint64_t i = 0; i < pools->count; i++)
		metrics_add(&pool_metrics, total, &pools->rows[i]);
}

void pools_take(struct pools *pools)
{
	pools->count = 0;
	pools->left_out = 0;
	for (int i = 0; i < POOLS_WALKERS; i++) {
		pools_walk_t *walk =
			__atomic_load_n(&walkers[i], __ATOMIC_ACQUIRE);

		if (walk)
			walk(collect, pools);
	}
}
