/* SPDX-License-Identifier: MIT */
/*
 * lock_witness.h - sees to it that locks are taken in the order of their ranks.
 *
 * In builds with LOCK_WITNESS (all but the release) each thread knows what it
 * holds, and one that takes a lock out of order, whether or not it had to wait,
 * ends the program with a line that names both.  So does one that takes a lock
 * which fork does not know, once the table of fork is there.
 *
 * After jemalloc's witness.  Held locks are counted by rank, and of each rank
 * the one taken last is known: that is exact as long as several locks of one
 * rank are released together, or in reverse.
 */
#ifndef BASE_LOCK_WITNESS_H
#define BASE_LOCK_WITNESS_H

#include "base/common.h"
#include "base/lock_rank.h"

/* Before and after a lock is taken; before it is released. */
void lock_witness_ask(const void *lock, enum lock_rank rank);
void lock_witness_note(const void *lock, enum lock_rank rank);
void lock_witness_forget(const void *lock, enum lock_rank rank);

/* Fork takes all of one rank, in any order, from now on, or until now. */
void lock_witness_forking(bool begins);

/* In a child: this thread holds nothing. */
void lock_witness_forget_all(void);

/* The ranks that fork takes, a bit each; no other may be taken now. */
void lock_witness_expect(uint64_t ranks);

#ifdef LOCK_WITNESS
#define witness_knows	true /* all that fork will ever take, from the start */
#define witness_ask	lock_witness_ask
#define witness_note	lock_witness_note
#define witness_forget	lock_witness_forget
#define witness_forking lock_witness_forking
#define witness_clear	lock_witness_forget_all
#define witness_expect	lock_witness_expect
#else
#define witness_knows		   false
#define witness_ask(lock, rank)	   ((void)0)
#define witness_note(lock, rank)   ((void)0)
#define witness_forget(lock, rank) ((void)0)
#define witness_forking(begins)	   ((void)0)
#define witness_clear()		   ((void)0)
#define witness_expect(ranks)	   ((void)0)
#endif

#endif
