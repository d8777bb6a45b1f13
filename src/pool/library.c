/* SPDX-License-Identifier: MIT */
/*
 * library.c - the library's start, fork and end.
 */
#include <pthread.h>

#include "base/fork_table.h"
#include "base/inject.h"
#include "base/tool.h"
#include "heap/heap.h"
#include "mempool/version.h"
#include "pool/debug.h"
#include "pool/local.h"
#include "pool/pool.h"
#include "pool/roster.h"
#include "pool/start.h"
#include "pool/stats.h"
#include "pool/tree_family.h"
#include "pool/tree_pool.h"

/* --- the table of fork --- */

static void fill(struct fork_table *t)
{
	fork_floor(t, NULL, NULL);
	stats_fork(t);
	local_gate_fork(t);
	roster_fork(t);
	roster_fork_pools(t, RANK_MEMPOOL);
	roster_fork_pools(t, RANK_CACHE);
	family_fork(t);
	tree_pool_fork(t);
	memory_fork(t);
	roster_fork_pools(t, RANK_VAR_SHARD);
	roster_fork_pools(t, RANK_VAR);
	roster_fork_pools(t, RANK_FIXED_SHARD);
	roster_fork_pools(t, RANK_FIXED);
	roster_fork_pools(t, RANK_PAGES);
	pool_graves_fork(t);
	local_fork(t);
	heap_fork(t);
	inject_fork(t);
}

/* --- start and end --- */

static void start_all(void)
{
	fork_filled_by(fill);
	pthread_atfork(fork_prepare, fork_parent, fork_child);
	debug_start();
	tool_start();
	stats_start();
	debug_start_faults();
}

start_parts_t *const start_parts = start_all;

__attribute__((constructor(101))) static void start(void)
{
	start_library();
}

__attribute__((destructor(101))) static void finish(void)
{
	stats_finish();
	leaks_report();
	heap_finish();
}

const char *mempool_version(void)
{
	return MEMPOOL_VERSION;
}
