/* SPDX-License-Identifier: MIT */
/*
 * debug.h - what MEMPOOL_DEBUG and MEMPOOL_FAIL ask for, and poison.
 *
 * Debugging is run-time policy: a pool asks debug_watched() when it is made,
 * and if true keeps no stock that its fast path could see, so that every call
 * takes the slow path, where objects are poisoned and checked.
 */
#ifndef POOL_DEBUG_H
#define POOL_DEBUG_H

#include "base/common.h"

enum {
	DEBUG_POISON = 1, /* free objects are filled, and checked when reused */
	DEBUG_OWNER = 2,  /* single-thread pools check who calls */
	DEBUG_LEAKS = 4,  /* at exit: what is still live, and in which pool */
};

/* What MEMPOOL_DEBUG said when the library started. */
extern HIDDEN unsigned debug_flags;

/* Reads MEMPOOL_DEBUG.  A bad word is told in one line on stderr. */
void debug_start(void);

/*
 * Follows MEMPOOL_FAIL, if it is set, in the place of MPOOL_FAIL, which is for
 * both libraries.  One that cannot be read is told likewise.
 */
void debug_start_faults(void);

/* True when poison or owner checks are on, or ASan or valgrind look on. */
bool debug_watched(void);

/*
 * With DEBUG_POISON: fills a free object, 0x6b and a last byte 0xa5 (the
 * kernel's include/linux/poison.h).
 */
void debug_poison(void *object, size_t bytes);

/*
 * With DEBUG_POISON: ends the program, with the bytes around the first
 * mismatch and the stack, when a free object was written to.
 */
void debug_check_poison(const void *object, size_t bytes, const char *pool);

#endif
