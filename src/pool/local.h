/* SPDX-License-Identifier: MIT */
/*
 * local.h - a pool's memory in each thread, handed on when the thread ends.
 *
 * A pool takes a slot; each thread that uses the pool hangs something of its
 * own there (a magazine, a table of magazines).  The fast path reads one word
 * of TLS.  When a thread ends, and when the pool dies, `leave` is called for
 * what hangs there.
 *
 * local_hang() and local_walk() may be called with a pool's lock held; not so
 * local_open() and local_close().  `leave` is called without, and takes it.
 */
#ifndef POOL_LOCAL_H
#define POOL_LOCAL_H

#include "base/fork_table.h"
#include "mempool/local.h"

/*
 * Called by the thread that ends, or by the one that destroys the pool, for
 * memory that no thread will use again.
 */
typedef void local_leave_t(void *pool, void *memory);

/*
 * A slot for `pool`, 0..MEMPOOL_LOCAL_SLOTS - 1; -1 when all are taken: the
 * pool then works without, as a locked one.
 */
int local_open(void *pool, local_leave_t *leave);

/*
 * Calls `leave` for every thread's memory, and frees the slot.  No thread may
 * be in the pool.
 */
void local_close(int slot);

/*
 * Hangs `memory` into this thread's slot, which is empty.  False when the
 * thread's end cannot be seen (it is ending already, or no memory): the caller
 * works without.
 */
bool local_hang(int slot, void *memory);

/*
 * Calls `visit` for every thread's memory of this slot, while no thread can
 * enter or leave.  They may be in use: read single words only.
 */
void local_walk(int slot, void (*visit)(void *memory, void *arg), void *arg);

/* Rows of the table of fork. */
void local_gate_fork(struct fork_table *t);
void local_fork(struct fork_table *t);

#endif
