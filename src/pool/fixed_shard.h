/* SPDX-License-Identifier: MIT */
/*
 * fixed_shard.h - one of a few sets of fronts that threads share.
 *
 * Its lock has one atomic operation for each critical section, where a futex
 * lock has two: the release is a plain store, and who waits looks again by
 * himself.  Waiting is rare, for a thread that finds a shard held takes the
 * next one; it is left for fork, trim and the like, and naps.
 */
#ifndef POOL_FIXED_SHARD_H
#define POOL_FIXED_SHARD_H

#include "base/lock.h"
#include "mempool/fixed.h"

/* fronts: one a class; NULL until the shard is used.  Owner: its lock. */
struct shard {
	struct lock lock;
	struct mempool_front *fronts;
} __attribute__((aligned(64)));

/* Outlined: waits until the shard is ours. */
void shard_wait(struct shard *s);

static inline bool shard_try(struct shard *s)
{
	return lock_try(&s->lock);
}

static inline void shard_lock(struct shard *s)
{
	witness_ask(&s->lock, lock_rank_of(&s->lock));
	if (unlikely(!shard_try(s)))
		shard_wait(s);
}

static inline void shard_unlock(struct shard *s)
{
	lock_drop(&s->lock);
}

#endif
