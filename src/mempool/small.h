/* SPDX-License-Identifier: MIT */
/*
 * small.h - the two-level allocator: libmpool.so's heap inside this process.
 *
 * Up to 128 bytes come from eight size classes, 16 bytes apart, with a stock a
 * thread, a low-water mark, a reserve and waiting a class; and as far as
 * small_max says, from 24 classes of 160 to 8192 bytes, four a doubling; more
 * comes from malloc().  There is one such heap a process (SGI's std::alloc had
 * one as well), and it needs no creation.  It is there beside libmpool.so where
 * that is preloaded, and shares nothing with it.
 *
 * Under AddressSanitizer, and its like, and valgrind every object comes from
 * malloc(), so that they see each; setup succeeds there and changes nothing.
 */
#ifndef MEMPOOL_SMALL_H
#define MEMPOOL_SMALL_H

#include "mempool/common.h"
#include "mempool/stats.h"

MEMPOOL_BEGIN

/*
 * Largest request that the classes serve, and how many classes there are,
 * unless small_max says otherwise; and how far that goes.
 */
#define MEMPOOL_SMALL_MAX     128u
#define MEMPOOL_SMALL_CLASSES 8u
#define MEMPOOL_SMALL_WIDEST  8192u

/* How the heap works; zero in each member means the default. */
struct mempool_small_options {
	/*
	 * Bytes of slabs (64 KiB each, of one class, or of the threads' stocks
	 * of pointers) at most, rounded up to whole ones; 0: no limit.  At the
	 * limit no request that the classes serve goes to malloc().
	 */
	size_t limit;
	size_t low_water;  /* free objects kept ready in each class up to 128
			      bytes; 127 */
	size_t reserve;	   /* objects of each such class set aside; 0 */
	bool reserve_lock; /* pin the reserve in memory */
	unsigned wait_ms;  /* how long an allocation may wait for a free; 0 */
	size_t small_max;  /* bytes up to which the classes serve, rounded up to
			      one; 128 */
	size_t reserve_wide; /* objects of each class beyond 128 bytes; 0 */
};

/*
 * Sets the heap up, once, before its first use.  `options` NULL: the defaults.
 * Returns 0, -EBUSY (it is set up, or in use), -EINVAL (more than 64 Mi
 * objects of low-water mark or reserve, small_max below 16 or beyond 8192, or a
 * limit below one slab a class: 512 KiB for eight), -ENOMEM (no address space
 * for it: everything comes from malloc(); or the reserve could not be had in
 * full, or be pinned: what was had is kept).  Any thread.
 */
MEMPOOL_API int
mempool_small_setup(const struct mempool_small_options *options);

/*
 * At least `size` bytes, contents arbitrary, aligned to 16; 0 counts as 1.
 * NULL with ENOMEM.  Out of memory, free slabs of other classes are used, then
 * malloc() is asked (not at a limit of ours), then the reserve; then, with
 * wait_ms, it sleeps until an object of the class is freed, and asks again
 * before it is NULL.  Any thread.
 */
MEMPOOL_API void *mempool_small_alloc(size_t size) MEMPOOL_MUSTUSE
	__attribute__((malloc, alloc_size(1)));

/* The same, cleared. */
MEMPOOL_API void *mempool_small_zalloc(size_t size) MEMPOOL_MUSTUSE
	__attribute__((malloc, alloc_size(1)));

/* The same, n * size bytes; NULL with ENOMEM when that overflows. */
MEMPOOL_API void *mempool_small_calloc(size_t n, size_t size) MEMPOOL_MUSTUSE
	__attribute__((malloc, alloc_size(1, 2)));

/*
 * Changes the size: as realloc(), but that size 0 counts as 1, so a non-NULL
 * `p` is never just freed.  NULL `p`: mempool_small_alloc().  NULL with ENOMEM,
 * `p` is as it was then; making it smaller never fails.
 */
MEMPOOL_API void *mempool_small_realloc(void *p, size_t size) MEMPOOL_MUSTUSE
	__attribute__((alloc_size(2)));

/*
 * Frees what one of the functions above returned, in any thread; NULL does
 * nothing.  Never sleeps, never fails.  An address inside the slabs that is no
 * object, and an object that is free already (at once when freed just before,
 * else when the thread's stock goes back to the slabs), end the program with
 * one line.  An address elsewhere is free()'s to judge.
 */
MEMPOOL_API void mempool_small_free(void *p);

/* Bytes that may be used at `p`; 0 for NULL. */
MEMPOOL_API size_t mempool_small_usable_size(const void *p);

/*
 * Empties the caller's stock and gives free slabs back to the kernel.  True
 * when there were some.  Any thread.
 */
MEMPOOL_API bool mempool_small_trim(void);

/*
 * Fills `stats` for all classes together; object_size is 0.  Requests that
 * went to malloc() are not in it.  0, or -EINVAL for NULL.  Any thread.
 */
MEMPOOL_API int mempool_small_stats(struct mempool_stats *stats);

/*
 * The same for one class, n = 1..MEMPOOL_SMALL_CLASSES for those of 16 * n
 * bytes, and on from there for those that small_max adds; -EINVAL for any
 * other.
 */
MEMPOOL_API int mempool_small_class_stats(unsigned n,
					  struct mempool_stats *stats);

/* Ends the program when an invariant does not hold.  Any thread. */
MEMPOOL_API void mempool_small_check(void);

MEMPOOL_END

#endif
