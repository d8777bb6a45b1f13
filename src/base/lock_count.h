/* SPDX-License-Identifier: MIT */
/*
 * lock_count.h - how often each lock is taken, waited for, and how long held.
 *
 * In builds with LOCK_COUNT (make VARIANT=count) each lock has a row of its
 * own, written by whoever holds it, and the process prints them when it exits.
 * tools/bench/locks makes a table of that, and what it means for more cores.
 *
 * Limits: two looks at the clock at each lock, some 10 ns each; what the clock
 * itself adds to the time is taken off.  Holds of LOCK_COUNT_LONG ticks or more
 * are counted apart, and their time is not: a holder that was put off the
 * processor says nothing about the lock.  Beyond LOCK_COUNT_ROWS locks, the
 * last row is that of all others, and inexact.
 */
#ifndef BASE_LOCK_COUNT_H
#define BASE_LOCK_COUNT_H

#include "base/common.h"
#include "base/lock_rank.h"

enum { LOCK_COUNT_ROWS = 1024, LOCK_COUNT_LONG = 1 << 18 /* 100 us */ };

/* Guarded by the lock it is of; `held` and `since` are in ticks. */
struct lock_row {
	const void *lock;
	enum lock_rank rank;
	uint64_t taken, waited, held, longs, since;
} __attribute__((aligned(64)));

/* After it was taken; `row` is where the lock keeps its row, NULL before. */
void lock_count_take(const void *lock, enum lock_rank rank,
		     struct lock_row **row);

/* And if that needed a wait. */
void lock_count_wait(struct lock_row *row);

/* Before it is released. */
void lock_count_release(struct lock_row *row);

/* The table, as text; on stderr when the process exits. */
void lock_count_print(int fd);

#ifdef LOCK_COUNT
#define count_take(lock)    lock_count_take(lock, (lock)->rank, &(lock)->row)
#define count_wait(lock)    lock_count_wait((lock)->row)
#define count_release(lock) lock_count_release((lock)->row)
#else
#define count_take(lock)    ((void)0)
#define count_wait(lock)    ((void)0)
#define count_release(lock) ((void)0)
#endif

#endif
