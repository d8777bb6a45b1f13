/* SPDX-License-Identifier: MIT */
/*
 * common.h - what all families of libmempool share: flags, options, errors.
 *
 * Errors, everywhere: a function that gives memory or a pool returns NULL with
 * errno set; one that returns int gives 0 or a negative errno value, as the
 * kernel does, and sets errno too.  errno stays as it was on success.
 *
 * Misuse that can be proven (a double free, a pointer that is no object of the
 * pool, an object written to after its free) ends the program with one line on
 * stderr that names the crime, the pointer and the pool.
 */
#ifndef MEMPOOL_COMMON_H
#define MEMPOOL_COMMON_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
#define MEMPOOL_BEGIN extern "C" {
#define MEMPOOL_END   }
#else
#define MEMPOOL_BEGIN
#define MEMPOOL_END
#endif

#define MEMPOOL_API	__attribute__((visibility("default")))
#define MEMPOOL_MUSTUSE __attribute__((warn_unused_result))
#define MEMPOOL_FORMAT(text, first)                                            \
	__attribute__((__format__(__printf__, text, first)))

struct timespec; /* which <time.h> of strict C99 does not have */

/* Bytes of a pool's name, the final zero included; longer ones are cut. */
#define MEMPOOL_NAME 32

/*
 * How an allocation may go about it.  Without any flag it may sleep, and the
 * memory is not cleared.
 */
typedef unsigned gfp_t;

#define MEMPOOL_WAIT	     0u /* sleep until there is memory */
#define MEMPOOL_NOWAIT	     1u /* never sleep */
#define MEMPOOL_ZERO	     2u /* cleared */
#define MEMPOOL_RESERVE_ONLY 4u /* leave the source alone */
#define MEMPOOL_NO_RESERVE   8u /* leave the reserve alone */
#define MEMPOOL_FLAGS	     15u

/* The kernel's names for them. */
#ifndef GFP_KERNEL
#define GFP_KERNEL MEMPOOL_WAIT
#define GFP_NOIO   MEMPOOL_WAIT
#define GFP_NOFS   MEMPOOL_WAIT
#define GFP_NOWAIT MEMPOOL_NOWAIT
#define GFP_ATOMIC MEMPOOL_NOWAIT
#define __GFP_ZERO MEMPOOL_ZERO
#endif

/* Who may use a pool at the same time. */
enum mempool_threading {
	MEMPOOL_LOCKED,	      /* any thread; threads share its locks */
	MEMPOOL_SINGLE,	      /* one thread at a time: no lock, no atomics */
	MEMPOOL_THREAD_LOCAL, /* any thread; each has a stock of its own */
};

struct mempool_pages;

/*
 * What a pool is made with.  NULL in its place, and zero in each member, mean
 * the default.
 */
struct mempool_options {
	const char *name; /* in statistics and messages; copied */
	enum mempool_threading threading; /* MEMPOOL_LOCKED */
	size_t align;			  /* of objects, a power of two; 16 */
	size_t initial;			  /* bytes taken when it is made; 0 */
	size_t limit;			  /* bytes at most; 0: none */
	struct mempool_pages *pages; /* source; NULL: that of the process */
};

#endif
