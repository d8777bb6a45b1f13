/* SPDX-License-Identifier: MIT */
/*
 * hard_lock.h - the locks of the hardened heap.
 *
 * While the process has one thread, nothing is locked: glibc says so (since
 * 2.32), and a thread is created by one that is in none of our functions.
 */
#ifndef HEAP_HARD_LOCK_H
#define HEAP_HARD_LOCK_H

#include "base/lock.h"

/* Not 0: the process has one thread.  glibc's, or always 0. */
extern HIDDEN const char *hard_single;

/* Of what hard_unit.h and hard_alone.h know; taken under those of arenas. */
extern HIDDEN struct lock hard_units_lock;

/* Whether there is nobody to lock out. */
static inline bool hard_only_one(void)
{
#ifdef LOCK_HAS_RANK
	return false;
#else
	return likely(__atomic_load_n(hard_single, __ATOMIC_RELAXED));
#endif
}

static inline void hard_lock(struct lock *lock)
{
	if (!hard_only_one())
		lock_take(lock);
}

/* Whoever took it releases it, though he may be alone since. */
static inline void hard_unlock(struct lock *lock)
{
	if (lock_is_taken(lock))
		lock_release(lock);
}

#endif
