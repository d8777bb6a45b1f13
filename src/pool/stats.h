/* SPDX-License-Identifier: MIT */
/*
 * stats.h - statistics of all pools: by libmpool.so, or by ourselves.
 */
#ifndef POOL_STATS_H
#define POOL_STATS_H

#include "base/fork_table.h"

/*
 * Where libmpool.so is preloaded, it is told of the pools, and it alone reads
 * and obeys MPOOL_STATS and MPOOL_STATS_SIGNAL; else we do.  Reads the other
 * MPOOL_ variables.  Called once.
 */
void stats_start(void);

/* A row of the table of fork: a child's own statistics. */
void stats_fork(struct fork_table *t);

/* The process ends: the last statistics, if asked for. */
void stats_finish(void);

/* With DEBUG_LEAKS: a line for each pool with live objects. */
void leaks_report(void);

#endif
