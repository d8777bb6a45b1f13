/* SPDX-License-Identifier: MIT */
/*
 * var.h - objects of any size, freed one by one.
 *
 * Sizes up to 32 KiB are rounded up to a class, at most a quarter more than
 * asked for (16 bytes more below 128); each class works like a fixed pool.
 * Larger objects are whole runs of 64 KiB.  In a pool with a limit below 4 MiB
 * both are a page's worth: classes up to half a page, runs of pages.  All of
 * them lie in the pool's blocks, each of which is twice the last.
 */
#ifndef MEMPOOL_VAR_H
#define MEMPOOL_VAR_H

#include "mempool/common.h"
#include "mempool/stats.h"

MEMPOOL_BEGIN

typedef struct mempool_var mempool_var_t;

/*
 * Makes a pool.  `options` may be NULL; of them
 *
 *   align      of all objects: a power of two up to 2 KiB; 16.
 *   initial    bytes taken at once, in one call to the source.  With a limit
 *              as high, the pool never asks for more.
 *   limit      on blocks; what is known of them, the pool's own record and its
 *              stacks of pointers, 4 KiB each, come on top.
 *   threading  as for mempool_fixed_create().
 *
 * NULL with EINVAL (align no power of two or too large, initial above limit,
 * unknown threading) or ENOMEM.  May map memory.
 */
MEMPOOL_API mempool_var_t *
mempool_var_create(const struct mempool_options *options) MEMPOOL_MUSTUSE;

/*
 * Gives all memory back, objects in use as well; NULL does nothing.  No other
 * thread may be in the pool.  A second call, and each use of a destroyed pool,
 * stops the program with a line, until another pool has taken its place.
 */
MEMPOOL_API void mempool_var_destroy(mempool_var_t *pool);

/*
 * `size` bytes, contents arbitrary; 0 is taken for 1.  NULL with ENOMEM: the
 * source gives no more, the limit is reached, or size is beyond PTRDIFF_MAX.
 * Any thread that the pool's form allows; never sleeps but for its locks.
 * This and the next four: with EINVAL if pool is NULL.
 */
MEMPOOL_API void *mempool_var_alloc(mempool_var_t *pool,
				    size_t size) MEMPOOL_MUSTUSE;

/* The same, cleared. */
MEMPOOL_API void *mempool_var_zalloc(mempool_var_t *pool,
				     size_t size) MEMPOOL_MUSTUSE;

/* n * size bytes, cleared; NULL with ENOMEM also when that overflows. */
MEMPOOL_API void *mempool_var_calloc(mempool_var_t *pool, size_t n,
				     size_t size) MEMPOOL_MUSTUSE;

/*
 * `size` bytes at a multiple of `align`, a power of two up to 32 KiB (2 KiB in
 * a pool with a limit below 4 MiB); else NULL with EINVAL.
 */
MEMPOOL_API void *mempool_var_aligned(mempool_var_t *pool, size_t align,
				      size_t size) MEMPOOL_MUSTUSE;

/*
 * Changes the size of object `p`: in place as long as mempool_var_usable_size()
 * allows and no more than half would be wasted, else the contents move, as
 * many bytes as both sizes have.  The new place has the pool's alignment, not
 * that of mempool_var_aligned().  p NULL: mempool_var_alloc().  size 0: as 1.
 * NULL with ENOMEM: the old object is as it was.  Misuse as in _free().
 */
MEMPOOL_API void *mempool_var_realloc(mempool_var_t *pool, void *p,
				      size_t size) MEMPOOL_MUSTUSE;

/*
 * Takes an object back; NULL does nothing.  Never fails, never takes memory.
 * An object without a pool, NULL, stops the program with a line.
 *
 * The object of its class freed last, freed again, and a pointer that is
 * outside the pool's blocks or in no object's span stop the program at once.
 * Another double free, and a pointer into an object, do so when a full magazine
 * goes down to the blocks, or in mempool_var_trim(), _check(); with
 * MEMPOOL_DEBUG, under ASan and under valgrind at once.  A pointer between two
 * of the pool's blocks, to where no memory is, is a fault (SIGSEGV).
 */
MEMPOOL_API void mempool_var_free(mempool_var_t *pool, void *p);

/*
 * The bytes that may be used at `p`, at least what was asked for.  0 when
 * either is NULL.
 */
MEMPOOL_API size_t mempool_var_usable_size(mempool_var_t *pool, const void *p);

/* As mempool_fixed_trim(). */
MEMPOOL_API size_t mempool_var_trim(mempool_var_t *pool);

/*
 * What the pool can say about itself.  live_bytes are rounded up as the
 * objects are; overhead_bytes / live: the bookkeeping bytes an object.  A NULL
 * pool: all zeros; stats NULL does nothing.
 */
MEMPOOL_API void mempool_var_stats(mempool_var_t *pool,
				   struct mempool_stats *stats);

/*
 * Ends the program when an invariant does not hold, or when a free object is
 * found that is none.  Other threads may be in the pool.  NULL does nothing.
 */
MEMPOOL_API void mempool_var_check(mempool_var_t *pool);

MEMPOOL_END

#endif
