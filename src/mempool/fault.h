/* SPDX-License-Identifier: MIT */
/*
 * fault.h - faults on purpose, to see what a program does without memory.
 */
#ifndef MEMPOOL_FAULT_H
#define MEMPOOL_FAULT_H

#include "mempool/common.h"

MEMPOOL_BEGIN

/*
 * Makes sources of memory fail from now on.  `rules` is what MEMPOOL_FAIL
 * says in the environment (or MPOOL_FAIL, which libmpool.so follows as well):
 * up to 16 of [SOURCE:]WHEN, separated by commas: WHEN is N (the N-th call from
 * now fails), N+ (that and all later ones), N/M (the N-th of each M calls) or
 * P% (each with this probability, up to four decimals; the sequence is the same
 * in each run).  SOURCE is "pages" (the page sources), "slabs" (the small heap)
 * or the name of a mempool (calls of its alloc function); without it all of
 * them are counted together.  The rules before are gone; NULL or "": no more
 * faults.
 *
 * Returns 0, or -EINVAL when the rules cannot be read: nothing has changed.
 * Any thread; a source that is called at the same time may follow either.
 * After the kernel's Documentation/fault-injection.
 */
MEMPOOL_API int mempool_fault_set(const char *rules);

MEMPOOL_END

#endif
