/* SPDX-License-Identifier: MIT */
/*
 * player.h - does the calls of a log again, in a process of its own.
 */
#ifndef MPOOL_PLAYER_H
#define MPOOL_PLAYER_H

#include "log.h"

/* At the start of the shared memory that `mpool replay` makes; then the ops. */
struct player_task {
	uint64_t count;
	uint32_t objects, threads;
	uint32_t latency; /* time each call, too */
	uint32_t done;	  /* set by the player at its end */
	/* Results. */
	uint64_t ns;
	uint64_t p50_ns, p99_ns, p999_ns, most_ns; /* of one call */
	uint64_t rss_before, rss_peak, rss_after;
	uint64_t failed; /* allocations that gave NULL */
};

/* The hidden subcommands: `mpool .play FD` and `mpool .loaded LIBRARY`. */
int command_play(int argc, char **argv);
int command_loaded(int argc, char **argv);

#endif
