/* SPDX-License-Identifier: MIT */
/*
 * record.h - remembers sampled allocations with their stacks until they are
 * freed: what profiles and leak reports are made of.
 *
 * Called by the interposer around the next allocator, for that is where every
 * sampled request goes (heap/sample.h); never under a lock of the heap.
 *
 * A thread is inside from record_enter() to record_leave(), and cannot be
 * cancelled there, not even asynchronously.  What the unwinder and signal
 * handlers allocate there is no sample, and samples that they free wait until
 * the thread has left: the tables may be in its hands, and so may the locks of
 * the next allocator, which serves a sample while the thread is inside.
 */
#ifndef WATCH_RECORD_H
#define WATCH_RECORD_H

#include "base/fork_table.h"
#include "watch/live.h"

/*
 * Loads the unwinder and turns sampling on, one sample every `period` bytes
 * in the mean; 1: every allocation.  free_late frees what had to wait.  Called
 * at start, and by one thread at a time after that: what was sampled before
 * stays, and each sample counts for what it was taken with.  Allocates.
 */
void record_start(size_t period, void (*free_late)(void *p));

/* No more samples; those that live are followed until they are freed. */
void record_stop(void);

/*
 * False when the thread is inside already, or nothing has been recorded: not
 * yet, or in a child that nobody announced (watch/orphan.h).
 */
bool record_enter(void);
void record_leave(void);
bool record_is_inside(void);

/* Mean bytes between samples that are recorded; 1: all; 0: none are. */
extern HIDDEN size_t record_period;

/* The same, and when none are any more: of the last ones. */
size_t record_last_period(void);

/* Whether anything has been recorded here. */
bool record_is_on(void);

/* While inside: `p`, of 8 bytes or more, is freed when the thread leaves. */
void record_defer(void *p);

/*
 * Inside: `p` has just been allocated, and is a sample, as there is one every
 * `period` bytes (heap/sample.h).  Takes the stack.  errno stays.
 */
void record_alloc(void *p, size_t size, size_t period);

/*
 * What this thread allocates is no leak, nor what that leads to, till it has
 * been called with false as often as with true; or what lies at `p` is none.
 */
void record_ignore(bool ignore);
void record_ignore_at(const void *p);

/*
 * Inside: forgets `p`, which is about to be freed or moved.  False: it was no
 * sample.  record_kept() when realloc has failed and it stays.
 */
bool record_forget(void *p, struct live *was);
void record_kept(const struct live *was);

/*
 * Around a realloc that may move a block: meanwhile neither place is a sample,
 * and when all are recorded, what the block points to seems lost.  False:
 * nobody needs to know.
 */
bool record_move(void);
void record_moved(void);

/* While all other threads are halted: the tables tell the whole truth. */
bool record_is_settled(void);

/*
 * Whether fork made this process; and whether the sample is to be taken for
 * reachable: it is ignored, or a thread that is not in this process, for
 * another one forked, has allocated it, and would have kept it.
 */
bool record_is_child(void);
bool record_is_held(const struct live *sample);

/* Samples were taken or freed since the process began, or was forked. */
bool record_has_news(void);

/* Samples that could not be remembered for want of memory. */
uint64_t record_lost(void);

/*
 * Milliseconds since the process started, as in struct live: by the kernel's
 * last tick, a few ago.
 */
uint32_t record_now(void);

/* A floor of the table of fork. */
void record_fork(struct fork_table *t);

#endif
