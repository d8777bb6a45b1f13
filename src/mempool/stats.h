/* SPDX-License-Identifier: MIT */
/*
 * stats.h - what each pool of the process can say about itself.
 */
#ifndef MEMPOOL_STATS_H
#define MEMPOOL_STATS_H

#include "mempool/common.h"

MEMPOOL_BEGIN

/*
 * A pool at one moment.  Counts are objects unless the name says bytes, and
 * since creation where they can only grow.  live is exact when no other thread
 * is inside the pool.  What a family has no notion of is 0.
 */
struct mempool_stats {
	char name[MEMPOOL_NAME];
	char kind[16];		 /* "mempool", "fixed", "var", "cache", ... */
	uint64_t object_size;	 /* bytes; 0: any size */
	uint64_t live;		 /* with the user now */
	uint64_t live_bytes;	 /* of them, as asked for or rounded up */
	uint64_t peak_bytes;	 /* of live_bytes, to within a thread's stock */
	uint64_t stock;		 /* free objects at hand */
	uint64_t held_bytes;	 /* taken from the source, the above included */
	uint64_t overhead_bytes; /* of them, bookkeeping */
	uint64_t reserve_min, reserve_current;
	uint64_t reserve_used; /* taken from the reserve */
	uint64_t refills;      /* calls to the source that gave something */
	uint64_t waits;	       /* calls that slept */
	uint64_t failures;     /* calls that returned NULL */
};

/*
 * Calls `visit` for each pool, in the order in which they were made; stops when
 * it returns other than 0, and returns that.  No lock is held meanwhile, so
 * `visit` may make and destroy pools; each of them is seen once or not at all.
 * -EINVAL for NULL; -EBUSY when the list of pools stays locked for 5 s.  Any
 * thread, but no signal handler; sleeps for no longer than pools are locked.
 */
MEMPOOL_API int mempool_stats_walk(int (*visit)(const struct mempool_stats *,
						void *arg),
				   void *arg);

/*
 * Writes the statistics of all pools, and of the small heap if it is used, to
 * `target`: "stderr" or a file name, in which %p is the process id and %n the
 * program; the ending .json or .prom chooses the format, else it is text.
 * NULL: where MPOOL_STATS says.  Where libmpool.so is preloaded, its figures
 * are in the same text.
 *
 * Returns 0 or a negative errno: -EINVAL for NULL without MPOOL_STATS, -ENOENT
 * for "", -EDEADLK when this thread is at it already, -EBUSY when another is
 * for 5 s, or what the file system says.  Any thread, but no signal handler;
 * may sleep in the file system.
 */
MEMPOOL_API int mempool_stats_dump(const char *target);

MEMPOOL_END

#endif
