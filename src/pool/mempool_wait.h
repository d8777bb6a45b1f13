/* SPDX-License-Identifier: MIT */
/*
 * mempool_wait.h - the end of the line: sleeping until somebody frees.
 */
#ifndef POOL_MEMPOOL_WAIT_H
#define POOL_MEMPOOL_WAIT_H

#include "pool/mempool_inside.h"

/*
 * Fills `missing` empty ones of `slots` from the reserve if it has so many,
 * else from frees, else from the source, asked with `flags` each wait_ms
 * (never with MEMPOOL_RESERVE_ONLY).  Without the lock.
 *
 * Returns 0, ETIMEDOUT or ECANCELED.  The pool may be gone when it returns.
 */
int inside_wait(struct mempool_inside *in, void **slots, size_t missing,
		gfp_t flags, const struct timespec *deadline);

/*
 * Sends all who wait away and returns when they have left.  Nobody can wait
 * any more.  Without the lock.
 */
void inside_send_away(struct mempool_inside *in);

#endif
