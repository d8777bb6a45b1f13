/* SPDX-License-Identifier: MIT */
/*
 * reserve.h - the Linux kernel's mempool: a reserve over any source of memory.
 *
 * A mempool takes memory from a source, two functions of the user's, and keeps
 * min_nr elements aside.  They are used when the source fails; frees refill
 * them first.  Who may sleep and finds even the reserve empty waits in line
 * for a free, so that mempool_alloc() never fails for it.  As long as no more
 * than min_nr elements are held for good, somebody always makes progress.
 *
 * Names and argument order are the kernel's (mm/mempool.c, and
 * Documentation/core-api/mm-api); the code is not.  What is better here:
 * a free hands its element to whoever waits longest and wakes that one alone,
 * where the kernel wakes the crowd and lets newcomers overtake it; growing
 * wakes waiters; destruction sends them away.
 *
 * Every function may be called by any thread at any time, except where it says
 * otherwise.  No lock is held while a source function runs: it may use any
 * pool, also its own (with MEMPOOL_RESERVE_ONLY, or it would call itself).
 * Elements pass from thread to thread as all memory must: with a release on
 * one side and an acquire on the other (a mutex, a queue, an atomic).
 *
 * A source that fails may change errno (malloc does), even when an element is
 * then found elsewhere.
 */
#ifndef MEMPOOL_RESERVE_H
#define MEMPOOL_RESERVE_H

#include "mempool/common.h"

MEMPOOL_BEGIN

/*
 * Takes one element from the source, or returns NULL.  `flags` has no other
 * bits than MEMPOOL_NOWAIT and MEMPOOL_ZERO, and both are to be obeyed.
 */
typedef void *(mempool_alloc_t)(gfp_t flags, void *pool_data);

/* Gives one element back to the source.  It must not fail. */
typedef void(mempool_free_t)(void *element, void *pool_data);

struct mempool_inside;

/* In C++ the kernel's name is that of a namespace: mempool.hpp. */
#ifdef __cplusplus
#define MEMPOOL_TAG mempool_s
#else
#define MEMPOOL_TAG mempool
#endif

/*
 * All zeros: no pool.  The members are private, and read by the inline
 * functions below: NULL in quick_alloc or quick_free sends every call to the
 * slow path (the reserve wants elements back, somebody waits, faults are
 * injected, the pool is strict, or there is no pool).  They are not the first,
 * for by its first words malloc() links freed memory, that of a destroyed pool.
 */
typedef struct MEMPOOL_TAG {
	void *pool_data;
	bool created; /* by mempool_create(), not mempool_init() */
	mempool_alloc_t *quick_alloc;
	mempool_free_t *quick_free;
	struct mempool_inside *inside;
} mempool_t;

#undef MEMPOOL_TAG

/* --- making and unmaking --- */

/*
 * Makes a pool of `min_nr` elements, 0 or more, taken from `alloc_fn` now; of
 * 0 one is kept all the same, or nobody could ever be woken.  NULL with EINVAL
 * (negative, a function missing) or ENOMEM: then what was taken is given back.
 * Calls the source with MEMPOOL_WAIT.
 */
MEMPOOL_API mempool_t *mempool_create(int min_nr, mempool_alloc_t *alloc_fn,
				      mempool_free_t *free_fn,
				      void *pool_data) MEMPOOL_MUSTUSE;

/*
 * The same; the source is called with the MEMPOOL_NOWAIT and MEMPOOL_ZERO bits
 * of `flags`, and what it asks of the kernel meanwhile comes from NUMA node
 * `node`, if there is one of that number and it has memory.  -1: any.
 */
MEMPOOL_API mempool_t *mempool_create_node(int min_nr,
					   mempool_alloc_t *alloc_fn,
					   mempool_free_t *free_fn,
					   void *pool_data, gfp_t flags,
					   int node) MEMPOOL_MUSTUSE;

/*
 * The same in the caller's memory, whatever that holds.  Returns 0, -EINVAL or
 * -ENOMEM; then *pool is all zeros.
 */
MEMPOOL_API int mempool_init(mempool_t *pool, int min_nr,
			     mempool_alloc_t *alloc_fn, mempool_free_t *free_fn,
			     void *pool_data);
MEMPOOL_API int mempool_init_node(mempool_t *pool, int min_nr,
				  mempool_alloc_t *alloc_fn,
				  mempool_free_t *free_fn, void *pool_data,
				  gfp_t flags, int node);

/* Whether there is a pool in this memory, which was zeroed or is one. */
static inline bool mempool_initialized(const mempool_t *pool)
{
	return pool && pool->inside;
}

/*
 * Takes a pool down: gives the reserve back to the source, and leaves zeros.
 * Who waits in it gets NULL or -ECANCELED, and this returns when they all have
 * left; nobody else may be inside.  Elements in the hands of users stay theirs,
 * to be given to the source.  NULL and all zeros: nothing.
 *
 * A strict pool with elements outside stays as it was: errno is EBUSY, and a
 * list of them is written to stderr.
 */
MEMPOOL_API void mempool_exit(mempool_t *pool);

/*
 * The same for a pool of mempool_create(), whose memory is freed.  Every later
 * use of it, a second destroy too, ends the program with one line, until the
 * memory is used again.
 */
MEMPOOL_API void mempool_destroy(mempool_t *pool);

/* --- elements --- */

/*
 * An element: from the source, asked not to block; else the one that was
 * returned to the reserve last; else from the source, asked with all of
 * `flags`; else from the reserve again; else this sleeps until a free hands
 * one over, first come, first served.  It never sleeps longer than 5 s
 * (mempool_set_wait()) without asking the source again, and keeps its place.
 *
 * MEMPOOL_NOWAIT: source and reserve once, no sleep.  MEMPOOL_ZERO: cleared;
 * the size must be known (mempool_set_size()).  MEMPOOL_RESERVE_ONLY: the
 * source is never asked.  MEMPOOL_NO_RESERVE: the source alone, and no sleep
 * here.
 *
 * NULL with ENOMEM: none, and it must not sleep.  ECANCELED: the pool was
 * destroyed while it slept.  EINVAL: no pool, unknown flags, the last two
 * flags together, MEMPOOL_ZERO of unknown size.  Else it is never NULL.
 */
MEMPOOL_API void *mempool_alloc(mempool_t *pool, gfp_t flags) MEMPOOL_MUSTUSE;

/*
 * The same, sleeping no longer than to `deadline`, an absolute time of
 * CLOCK_MONOTONIC; then the source is asked a last time, without blocking, and
 * the answer is NULL with ETIMEDOUT.  An element that is handed over in the
 * moment of the deadline is kept.  How long the source itself takes when it may
 * block is its own affair.  NULL: no deadline.  EINVAL: tv_nsec out of range.
 */
MEMPOOL_API void *
mempool_alloc_until(mempool_t *pool, gfp_t flags,
		    const struct timespec *deadline) MEMPOOL_MUSTUSE;

/*
 * An element of the reserve; never sleeps.  NULL with ENOMEM when it is empty,
 * EINVAL when there is no pool.
 */
MEMPOOL_API void *mempool_alloc_preallocated(mempool_t *pool) MEMPOOL_MUSTUSE;

/*
 * Fills the empty (NULL) ones of `count` slots; `allocated` of them are full
 * already.  The source comes first; what it does not give comes from the
 * reserve, all or nothing, so that two who want many cannot each sit on half.
 * May sleep, as mempool_alloc() does.
 *
 * 0 when all slots are full.  -EINVAL, with nothing changed: no pool, no slots,
 * `count` above min_nr, or not `allocated` slots full.  -ENOMEM, likewise: a
 * pool that knows its elements cannot note those of the full slots.
 * -ECANCELED: the pool was destroyed meanwhile; what is in the slots is the
 * caller's, as ever.
 */
MEMPOOL_API int mempool_alloc_bulk(mempool_t *pool, void **elems,
				   unsigned count, unsigned allocated);

/*
 * Returns an element; NULL does nothing.  To whoever waits longest; else to
 * the reserve, if that has fewer than min_nr; else to the source.  Never
 * sleeps, unless the source's free function does.
 *
 * Ends the program with one line: no pool; an element that lies in the
 * reserve already, while that is not full (the 128 returned last are looked
 * at); in a strict pool, and with MEMPOOL_DEBUG in every one, each element that
 * was not given out.
 */
MEMPOOL_API void mempool_free(void *element, mempool_t *pool);

/*
 * Returns elements to waiters and to the reserve, from the first slot on, and
 * clears their slots; empty slots are passed over.  Returns how many that
 * were: the others stay in their slots and with the caller, who gives them to
 * the source all at once (in a strict pool by mempool_free()).  Never sleeps.
 */
MEMPOOL_API unsigned mempool_free_bulk(mempool_t *pool, void **elems,
				       unsigned count);

/* --- size and state --- */

/*
 * Changes min_nr, while others use the pool.  Less: the surplus goes to the
 * source.  More, or the same: waiters and the reserve are served from the
 * source, asked with MEMPOOL_WAIT, as far as it gives; frees do the rest.
 * Returns 0 also for a partial fill; -EINVAL (no pool, negative), -ENOMEM (no
 * memory for the table): nothing has changed.  May sleep in the source.
 */
MEMPOOL_API int mempool_resize(mempool_t *pool, int new_min_nr);

/* Whether the reserve has min_nr elements.  NULL and no pool: false. */
MEMPOOL_API bool mempool_is_saturated(mempool_t *pool);

/* --- settings; 0, or -EINVAL when there is no pool --- */

/*
 * The name in statistics, messages and MEMPOOL_FAIL; copied.  NULL: -EINVAL.
 * Before the pool is shared.
 */
MEMPOOL_API int mempool_set_name(mempool_t *pool, const char *name);

/*
 * How many milliseconds, 1 or more, a sleeper waits before it asks the source
 * again; 5000 when the pool is made.
 */
MEMPOOL_API int mempool_set_wait(mempool_t *pool, unsigned ms);

/*
 * The bytes of an element, 1 or more, of a source that the library does not
 * know (those below it does): for MEMPOOL_ZERO, for statistics, and for
 * MEMPOOL_DEBUG=poison, which then overwrites what lies in the reserve: not
 * for elements that are kept constructed.  Before the pool is shared.
 */
MEMPOOL_API int mempool_set_size(mempool_t *pool, size_t bytes);

/*
 * Makes the pool strict: it knows its elements one by one, refuses foreign
 * ones (so does every pool with MEMPOOL_DEBUG), and is not destroyed while some
 * are out.  Costs a lock a call and 32 bytes an element.  Before the first
 * allocation: -EBUSY when some of the reserve is out; -ENOMEM.
 */
MEMPOOL_API int mempool_set_strict(mempool_t *pool);

/* --- sources --- */

/* malloc: `pool_data` is the size, (void *)(size_t)n. */
MEMPOOL_API void *mempool_kmalloc(gfp_t flags, void *pool_data);
MEMPOOL_API void mempool_kfree(void *element, void *pool_data);

/*
 * An object cache: `pool_data` is the mempool_cache_t.  The cache is asked not
 * to block: who waits, waits for the pool's own frees.
 */
MEMPOOL_API void *mempool_alloc_slab(gfp_t flags, void *pool_data);
MEMPOOL_API void mempool_free_slab(void *element, void *pool_data);

/* 2^order pages of the process's page source: `pool_data` is the order. */
MEMPOOL_API void *mempool_alloc_pages(gfp_t flags, void *pool_data);
MEMPOOL_API void mempool_free_pages(void *element, void *pool_data);

/*
 * Another mempool: `pool_data` is that mempool_t.  Asked not to block, for
 * frees reach the outer pool first, and there the waiters must be.
 */
MEMPOOL_API void *mempool_alloc_mempool(gfp_t flags, void *pool_data);
MEMPOOL_API void mempool_free_mempool(void *element, void *pool_data);

/*
 * Pools over the first three.  EINVAL also for size 0, no cache, an order
 * above MEMPOOL_MAX_ORDER.
 */
struct mempool_cache;
MEMPOOL_API mempool_t *mempool_create_kmalloc_pool(int min_nr,
						   size_t size) MEMPOOL_MUSTUSE;
MEMPOOL_API mempool_t *
mempool_create_slab_pool(int min_nr,
			 struct mempool_cache *cache) MEMPOOL_MUSTUSE;
MEMPOOL_API mempool_t *mempool_create_page_pool(int min_nr,
						int order) MEMPOOL_MUSTUSE;

/* --- the fast paths --- */

/*
 * The outlined halves, not for users.  refused: the source was asked without
 * blocking already.
 */
MEMPOOL_API void *mempool_alloc_slow(mempool_t *pool, gfp_t flags);
MEMPOOL_API void *mempool_alloc_refused(mempool_t *pool, gfp_t flags);
MEMPOOL_API void mempool_free_slow(void *element, mempool_t *pool);

/*
 * gnu_inline: besides these bodies, and where the compiler does not inline,
 * there is a function of this name in the library.  (It defines this as
 * nothing in the one file where they are.)
 */
#ifndef MEMPOOL_INLINE
#define MEMPOOL_INLINE extern inline __attribute__((gnu_inline))
#endif

MEMPOOL_INLINE void *mempool_alloc(mempool_t *pool, gfp_t flags)
{
	mempool_alloc_t *quick;
	void *element;

	/* No flag, or MEMPOOL_NOWAIT: the source sees the same. */
	if (__builtin_expect(!pool || flags > MEMPOOL_NOWAIT, 0))
		return mempool_alloc_slow(pool, flags);
	quick = __atomic_load_n(&pool->quick_alloc, __ATOMIC_RELAXED);
	if (__builtin_expect(!quick, 0))
		return mempool_alloc_slow(pool, flags);
	element = quick(MEMPOOL_NOWAIT, pool->pool_data);
	if (__builtin_expect(element != NULL, 1))
		return element;
	return mempool_alloc_refused(pool, flags);
}

/*
 * Unlocked: an element that came from the reserve finds quick_free NULL until
 * the reserve is full again, see mempool_free_slow().
 */
MEMPOOL_INLINE void mempool_free(void *element, mempool_t *pool)
{
	mempool_free_t *quick = NULL;

	if (__builtin_expect(!element, 0))
		return;
	if (__builtin_expect(pool != NULL, 1))
		quick = __atomic_load_n(&pool->quick_free, __ATOMIC_ACQUIRE);
	if (__builtin_expect(quick != NULL, 1))
		quick(element, pool->pool_data);
	else
		mempool_free_slow(element, pool);
}

MEMPOOL_END

#endif
