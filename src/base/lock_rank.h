/* SPDX-License-Identifier: MIT */
/*
 * lock_rank.h - the order of all locks, outermost first.
 *
 * Who holds a lock may take one further down, and no other; of one rank, only
 * fork, and who holds some of one array, one at a higher address.  In this
 * order fork takes them (base/fork_table.h), and builds with LOCK_WITNESS
 * check it at each lock (base/lock_witness.h).
 *
 * DUMP, PAGE and RECORD are no locks: a child has something to do for them.
 */
#ifndef BASE_LOCK_RANK_H
#define BASE_LOCK_RANK_H

#define LOCK_RANKS(X)                                                          \
	X(NONE)	       /* has not been told */                                 \
	X(STREAMS)     /* glibc's list of streams */                           \
	X(DUMP)	       /* watch: statistics are written */                     \
	X(PAGE)	       /* watch: the page of `mpool stat` is written */        \
	X(TRACE)       /* watch: the end of the log */                         \
	X(RECORD)      /* watch: samples */                                    \
	X(LIVE)	       /* watch: a part of the table of live samples */        \
	X(SITES)       /* watch: stacks and sites */                           \
	X(GATE)	       /* pool: threads hand on what they have, local.c */     \
	X(ROSTER)      /* pool: the list of all pools */                       \
	X(MEMPOOL)     /* of each mempool */                                   \
	X(CACHE)       /* of each object cache */                              \
	X(TREE_TABLE)  /* numbers of trees */                                  \
	X(TREE)	       /* of trees, by number */                               \
	X(TREE_POOL)   /* of trees' pools that are shared */                   \
	X(TREE_RING)   /* nodes that are poisoned */                           \
	X(VAR_SHARD)   /* of each variable pool */                             \
	X(VAR)	       /* the same, its center */                              \
	X(FIXED_SHARD) /* of each fixed pool */                                \
	X(FIXED)       /* the same, its center */                              \
	X(PAGES)       /* of each page source */                               \
	X(GRAVES)      /* records of destroyed pools */                        \
	X(LOCAL)       /* pool: threads and slots, local.c */                  \
	X(START)       /* heap: its start */                                   \
	X(CLASS)       /* of each class */                                     \
	X(RACK)	       /* of each class and processor */                       \
	X(REGISTRY)    /* heap: the caches of all threads */                   \
	X(MAGAZINE)    /* heap: free magazines */                              \
	X(SPACE)       /* heap: slabs */                                       \
	X(HARD)	       /* hardened heap: of each arena */                      \
	X(HARD_UNITS)  /* hardened heap: addresses */                          \
	X(NEXT)	       /* preload: layers over the next allocator */           \
	X(INJECT)      /* rules of faults */

#define LOCK_RANK_ENTRY(name) RANK_##name,

enum lock_rank { LOCK_RANKS(LOCK_RANK_ENTRY) RANKS };

#endif
