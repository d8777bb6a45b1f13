/* SPDX-License-Identifier: MIT */
/*
 * pages.h - a page source with buddies: memory in blocks of 2^order pages.
 *
 * Large chunks come from mmap, and are split in halves until a block fits; a
 * free block joins its buddy, the other half, when that is free as well
 * (Knowlton 1965; the kernel's mm/page_alloc.c).  A block of order n is
 * aligned to its own size.
 *
 * Nothing is stored in free memory: which blocks are free is known from bits
 * that lie apart, so a double free, a wrong order and a foreign pointer are
 * found each time, whatever was written where.
 *
 * All functions may be called by any thread, but for a source made with
 * MEMPOOL_SINGLE, which one thread at a time may use.  None sleeps, except for
 * the lock of the source and in the kernel.  `pages` NULL is the source of the
 * process, the one that all pools take their memory from unless told otherwise.
 * Using a destroyed source ends the program, with one line where that can be
 * proven.
 */
#ifndef MEMPOOL_PAGES_H
#define MEMPOOL_PAGES_H

#include "mempool/common.h"

MEMPOOL_BEGIN

typedef struct mempool_pages mempool_pages_t;

/* Orders 0..MEMPOOL_MAX_ORDER: one page to 1024. */
#define MEMPOOL_MAX_ORDER 10u

/*
 * Makes a page source of its own.  Of `options` (NULL: all defaults) these
 * count: name; threading, where MEMPOOL_THREAD_LOCAL works as MEMPOOL_LOCKED;
 * initial, bytes that are mapped at once and kept until
 * mempool_pages_trim(); limit, bytes of blocks that may be out at a time,
 * rounding included.  Chunks are of 2^MEMPOOL_MAX_ORDER pages.  NULL with
 * ENOMEM, or with EINVAL: a threading unknown, an align that is no power of
 * two, an initial above the limit, or `pages` set.  May map memory.
 */
MEMPOOL_API mempool_pages_t *
mempool_pages_create(const struct mempool_options *options) MEMPOOL_MUSTUSE;

/*
 * 2^order pages, aligned to their size, contents arbitrary.  NULL with ENOMEM
 * (the kernel refuses, or the limit is reached) or EINVAL (order above
 * MEMPOOL_MAX_ORDER).  O(MEMPOOL_MAX_ORDER); maps a chunk when none has room.
 */
MEMPOOL_API void *mempool_pages_alloc(mempool_pages_t *pages,
				      unsigned order) MEMPOOL_MUSTUSE;

/*
 * Gives a block back, of the order it was asked for; NULL does nothing.  A
 * block that is free already, of another order or not of this source ends the
 * program with one line.  O(MEMPOOL_MAX_ORDER); needs no memory.  One chunk
 * that is wholly free is kept, and as many as `initial` asked for; a further
 * one is unmapped.  errno is left alone.
 */
MEMPOOL_API void mempool_pages_free(mempool_pages_t *pages, void *block,
				    unsigned order);

/*
 * Unmaps all chunks that are wholly free, those of `initial` as well.  Returns
 * the bytes given back.
 */
MEMPOOL_API size_t mempool_pages_trim(mempool_pages_t *pages);

/* The bytes of 2^order pages; 0 when order is above MEMPOOL_MAX_ORDER. */
MEMPOOL_API size_t mempool_pages_size(unsigned order);

/*
 * Unmaps everything, blocks in use as well; NULL does nothing.  Pools made
 * over this source must be gone, and no thread may be inside.
 */
MEMPOOL_API void mempool_pages_destroy(mempool_pages_t *pages);

/*
 * Ends the program with one line when an invariant does not hold.  O(pages)
 * and under the lock: for tests.
 */
MEMPOOL_API void mempool_pages_check(mempool_pages_t *pages);

MEMPOOL_END

#endif
