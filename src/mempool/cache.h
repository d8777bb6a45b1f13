/* SPDX-License-Identifier: MIT */
/*
 * cache.h - object caches: constructed objects, kept constructed between uses.
 *
 * An object is constructed once, when it is made; put back, it keeps its state
 * for the next user, and its destructor runs when its memory is given back.
 * So an expensive constructor (a lock, a buffer, a parsed header) is paid for
 * once an object, not once a use.  Which objects are in use is marked out of
 * line, in bitmaps: nothing is written into a free one.
 *
 * A MEMPOOL_THREAD_LOCAL cache has a stock of free objects in each thread.
 * After Bonwick, "The Slab Allocator" (USENIX 1994), and Bonwick and Adams,
 * "Magazines and Vmem" (USENIX 2001).
 *
 * No callback runs with a lock held: they may use any pool, this one as well,
 * but for its destruction.
 */
#ifndef MEMPOOL_CACHE_H
#define MEMPOOL_CACHE_H

#include <errno.h>

#include "mempool/fixed.h"
#include "mempool/stats.h"

MEMPOOL_BEGIN

/* What a cache does when all of its objects are in use. */
enum mempool_exhaustion {
	MEMPOOL_GROW,  /* makes more, up to `most` */
	MEMPOOL_FAIL,  /* NULL with ENOMEM */
	MEMPOOL_BLOCK, /* waits until one is put back */
};

/* What a cache is made with; zero in each member means the default. */
struct mempool_cache_options {
	struct mempool_options base;
	/*
	 * Makes an object of fresh memory, contents arbitrary.  0, or the errno
	 * value that get shall fail with, negative or not.  NULL: the object is
	 * zeroed when it is made.
	 */
	int (*construct)(void *object, void *arg);
	/* Undoes it, once an object; NULL: nothing to do. */
	void (*destroy)(void *object, void *arg);
	/*
	 * Whether an object that comes back is fit for the next user; if not,
	 * the program ends with one line.  With MEMPOOL_DEBUG=poison it is
	 * asked at get as well.  NULL: each is.
	 */
	bool (*verify)(const void *object, void *arg);
	void *arg;			    /* for the three of them */
	enum mempool_exhaustion exhaustion; /* MEMPOOL_GROW */
	/*
	 * Objects that may exist, made when they are first needed.  0: no
	 * bound with MEMPOOL_GROW, else as many as `ahead`.
	 */
	size_t most;
	size_t ahead; /* objects made at once */
};

/* The part of a cache that the inline function reads: as of a fixed pool. */
struct mempool_cache {
	struct mempool_fixed open;
};

typedef struct mempool_cache mempool_cache_t;

/*
 * Makes a cache of objects of `size` bytes.  `options` NULL: the defaults, no
 * constructor.  Of base, `initial` bytes are taken at once and `limit` bounds
 * the bytes taken from the page source.  A cache that cannot grow for ever
 * (MEMPOOL_FAIL, MEMPOOL_BLOCK, `most` or `limit`) has no stocks a thread, in
 * which those who run dry could not find them: it works as a LOCKED one.
 *
 * NULL with EINVAL (size 0; align no power of two or above 4 MiB; unknown
 * threading or exhaustion; ahead above most; FAIL or BLOCK of no object;
 * MEMPOOL_SINGLE with MEMPOOL_BLOCK: nobody else could put), ENOMEM (memory,
 * the limit, size too large), or the constructor's errno: what was made ahead
 * is destroyed again.
 */
MEMPOOL_API mempool_cache_t *mempool_cache_create(
	size_t size,
	const struct mempool_cache_options *options) MEMPOOL_MUSTUSE;

/* The outlined half of mempool_cache_get(). */
MEMPOOL_API void *mempool_cache_get_slow(mempool_cache_t *cache,
					 gfp_t flags) MEMPOOL_MUSTUSE;

/*
 * A constructed object, as its last user or its constructor left it.  `flags`
 * is MEMPOOL_WAIT or MEMPOOL_NOWAIT; anything else is EINVAL, MEMPOOL_ZERO as
 * well: it would wipe the constructed state.
 *
 * NULL with ENOMEM when there is none and none can be made, or the errno of
 * the constructor; a NULL cache: EINVAL.  May sleep with MEMPOOL_BLOCK and
 * MEMPOOL_WAIT only: first come, first served, until one is put, trying to
 * make one every 5 s; ECANCELED when the cache is destroyed meanwhile.  Any
 * thread, as far as the cache's threading allows.
 */
static inline void *mempool_cache_get(mempool_cache_t *cache, gfp_t flags)
{
	if (__builtin_expect(cache && cache->open.slot >= 0 && flags < 2u, 1)) {
		struct mempool_front *mine =
			(struct mempool_front *)mempool_local[cache->open.slot];
		void *object = NULL;

		if (__builtin_expect(mine != NULL, 1))
			object = mempool_front_pop_free(mine);
		if (__builtin_expect(object != NULL, 1))
			return object;
	}
	return mempool_cache_get_slow(cache, flags);
}

/*
 * The same with MEMPOOL_WAIT, but sleeps no longer than to `deadline`, an
 * absolute time of CLOCK_MONOTONIC; then NULL with ETIMEDOUT.  Only a
 * MEMPOOL_BLOCK cache sleeps at all.  NULL: no deadline; EINVAL for tv_nsec
 * out of range.
 */
MEMPOOL_API void *
mempool_cache_get_until(mempool_cache_t *cache,
			const struct timespec *deadline) MEMPOOL_MUSTUSE;

/*
 * Puts an object back, in a state fit for its next user; NULL does nothing.
 * Who waits longest gets it.  Never sleeps, never fails, needs no memory.
 *
 * Ends the program with one line: a pointer that is no object of this cache, a
 * NULL or destroyed cache, an object that `verify` refuses, and one that is
 * free already (in a stock of a thread, when it is the one put just before, or
 * once the stock overflows; with MEMPOOL_DEBUG=poison at once).
 */
MEMPOOL_API void mempool_cache_put(mempool_cache_t *cache, void *object);

/*
 * Destroys the free objects, those in the caller's stock included, and gives
 * memory back that holds no object any more.  Returns the bytes given back;
 * NULL: 0.  Any thread; does not sleep.
 */
MEMPOOL_API size_t mempool_cache_trim(mempool_cache_t *cache);

/*
 * Calls `visit` for each object that is in use, in no order; stops when it
 * returns other than 0, and returns that.  It may get and put; objects that it
 * gets may or may not be visited.  Other threads may be in the cache.  An
 * object that they, or `visit` itself on another's turn, put meanwhile may
 * still be visited.  -EINVAL for NULL,
 * -ENOMEM: a list of the threads' stocks found no memory; no object visited.
 */
MEMPOOL_API int mempool_cache_walk(mempool_cache_t *cache,
				   int (*visit)(void *object, void *arg),
				   void *arg);

/* Fills `stats`.  0, or -EINVAL for NULL.  Any thread. */
MEMPOOL_API int mempool_cache_stats(mempool_cache_t *cache,
				    struct mempool_stats *stats);

/*
 * Destroys every object, free or in use, each once, and gives all memory back;
 * NULL does nothing.  Threads that wait get NULL with ECANCELED; no other may
 * be in the cache, nor come later.  A second time ends the program with one
 * line, as far as it can be told.
 */
MEMPOOL_API void mempool_cache_destroy(mempool_cache_t *cache);

/* Ends the program when an invariant does not hold; NULL does nothing. */
MEMPOOL_API void mempool_cache_check(mempool_cache_t *cache);

MEMPOOL_END

#endif
