/* SPDX-License-Identifier: MIT */
/*
 * fixed.h - objects of one size.
 *
 * A pool takes blocks from its source, each twice the last, and hands out
 * objects of them.  Allocation and free are O(1): a pop and a push on stacks
 * of pointers, here in the header; what does not fit the stacks is recorded
 * bit by bit beside the objects.  Nothing is written into a free object.
 */
#ifndef MEMPOOL_FIXED_H
#define MEMPOOL_FIXED_H

#include "mempool/common.h"
#include "mempool/local.h"
#include "mempool/stats.h"

MEMPOOL_BEGIN

/*
 * Two stacks of free objects, that grow down, each in a magazine: a block of
 * `mask` + 1 bytes, aligned to its size.  Allocation pops one, free pushes on
 * the other; they are exchanged when the first is empty.
 *
 *   alloc  one above its top.  Empty when alloc & mask is 0.
 *   free   its top.  Full when free & mask is 0.
 *
 * So all zeros is empty and full at once, and takes the slow path.  Owner: one
 * thread, or the holder of a lock; others may read single words.
 */
struct mempool_front {
	void **alloc;
	void **free;
	uintptr_t mask;
};

/*
 * What the fast path reads of a pool; the rest is behind it.  A single-thread
 * pool has its front here, so that its address is known without a load; in
 * others it stays all zeros.
 */
typedef struct mempool_fixed {
	struct mempool_front front;
	int slot; /* of a thread-local pool in mempool_local; else -1 */
} mempool_fixed_t;

/*
 * Statistics read these words while their owner works.  Elsewhere than under
 * ThreadSanitizer a plain store is as good, and compilers know it better.
 */
#if defined(__SANITIZE_THREAD__)
#define MEMPOOL_STORE(word, value)                                             \
	__atomic_store_n(&(word), value, __ATOMIC_RELAXED)
#else
#define MEMPOOL_STORE(word, value) ((void)((word) = (value)))
#endif

/* Outlined halves of the functions below. */
MEMPOOL_API void *mempool_fixed_alloc_slow(mempool_fixed_t *pool);
MEMPOOL_API void mempool_fixed_free_slow(mempool_fixed_t *pool, void *object);
MEMPOOL_API int mempool_fixed_alloc_bulk_slow(mempool_fixed_t *pool,
					      void **objects, size_t count);
MEMPOOL_API void mempool_fixed_free_bulk_slow(mempool_fixed_t *pool,
					      void *const *objects,
					      size_t count);

/*
 * Makes a pool of objects of `size` bytes.  `options` may be NULL.
 *
 *   align    objects lie at its multiples: a power of two up to 2 MiB.  By
 *            default 16, or 8 for a size of 8 or less.
 *   initial  taken at once, in one call to the source.
 *   limit    on blocks; what is known of them (a bit an object), the pool's own
 *            record and its stacks of pointers, 4 KiB each, come on top: those
 *            in use, and for free objects 16, or an eighth of the objects'
 *            bytes.  The last block is cut to fit.
 *   threading
 *     MEMPOOL_LOCKED        any thread.  A few stacks with a lock each, so
 *                           that threads seldom meet; an allocation fails only
 *                           when no object is free in any of them.
 *     MEMPOOL_SINGLE        one thread at a time.  With MEMPOOL_DEBUG=owner a
 *                           call from another thread than the first stops the
 *                           program.
 *     MEMPOOL_THREAD_LOCAL  any thread.  Each has stacks of its own (32 KiB of
 *                           objects a side at most), which others do not
 *                           reach; they are handed on when it ends.  Beyond
 *                           MEMPOOL_LOCAL_SLOTS such pools: LOCKED.
 *
 * NULL with EINVAL (size 0 or beyond PTRDIFF_MAX, align no power of two or too
 * large, initial above limit, unknown threading) or ENOMEM.  May map memory.
 */
MEMPOOL_API mempool_fixed_t *
mempool_fixed_create(size_t size,
		     const struct mempool_options *options) MEMPOOL_MUSTUSE;

/*
 * Gives all memory back, objects in use as well; NULL does nothing.  No other
 * thread may be in the pool.  A second call, and each use of a destroyed pool,
 * stops the program with a line, until another pool has taken its place.
 */
MEMPOOL_API void mempool_fixed_destroy(mempool_fixed_t *pool);

/* The top of the alloc side; NULL: empty. */
static inline void *mempool_front_pop(struct mempool_front *f)
{
	void **top = f->alloc;

	if (__builtin_expect(!((uintptr_t)top & f->mask), 0))
		return NULL;
	MEMPOOL_STORE(f->alloc, top + 1);
	if (!top[-1])
		__builtin_unreachable(); /* so callers test once */
	return top[-1];
}

/*
 * The top of the free side, which has a magazine, where that is a stack of its
 * own; NULL: empty, for the last slot of a magazine is.
 */
static inline void *mempool_front_pop_free(struct mempool_front *f)
{
	void **top = f->free, *object = *top;

	if (__builtin_expect(object != NULL, 1))
		MEMPOOL_STORE(f->free, top + 1);
	return object;
}

/* False: the free side is full, or has `object` on top already, or NULL. */
static inline bool mempool_front_push(struct mempool_front *f, void *object)
{
	void **top = f->free;

	if (__builtin_expect(!((uintptr_t)top & f->mask) || *top == object ||
				     !object,
			     0))
		return false;
	MEMPOOL_STORE(top[-1], object);
	MEMPOOL_STORE(f->free, top - 1);
	return true;
}

/*
 * An object, contents arbitrary.  NULL with ENOMEM: the source gives no more,
 * or the limit is reached; with EINVAL: pool is NULL.  Any thread that the
 * pool's form allows; never sleeps but for its locks.
 */
MEMPOOL_MUSTUSE static inline void *mempool_fixed_alloc(mempool_fixed_t *pool)
{
	struct mempool_front *mine;
	void *object = NULL;

	if (__builtin_expect(!pool, 0))
		return mempool_fixed_alloc_slow(pool);
	if (pool->slot < 0) {
		object = mempool_front_pop(&pool->front);
	} else {
		mine = (struct mempool_front *)mempool_local[pool->slot];
		if (__builtin_expect(mine != NULL, 1))
			object = mempool_front_pop(mine);
	}
	return __builtin_expect(object != NULL, 1)
		       ? object
		       : mempool_fixed_alloc_slow(pool);
}

/* The same, cleared: all `size` bytes are 0. */
MEMPOOL_API void *mempool_fixed_zalloc(mempool_fixed_t *pool) MEMPOOL_MUSTUSE;

/*
 * Takes an object back; NULL does nothing.  The object itself is not touched.
 * Never fails, never takes memory.  An object without a pool, NULL, stops the
 * program with a line.
 *
 * The object freed last, freed again, stops the program at once.  Another
 * double free, a foreign pointer and one into an object do so when a full
 * magazine goes down to the blocks, or in mempool_fixed_trim(), _check(); with
 * MEMPOOL_DEBUG, under ASan and under valgrind at once.
 */
static inline void mempool_fixed_free(mempool_fixed_t *pool, void *object)
{
	struct mempool_front *mine;
	bool pushed = false;

	if (__builtin_expect(!pool, 0)) {
		mempool_fixed_free_slow(pool, object);
		return;
	}
	if (pool->slot < 0) {
		pushed = mempool_front_push(&pool->front, object);
	} else {
		mine = (struct mempool_front *)mempool_local[pool->slot];
		if (__builtin_expect(mine != NULL, 1))
			pushed = mempool_front_push(mine, object);
	}
	if (__builtin_expect(!pushed, 0))
		mempool_fixed_free_slow(pool, object);
}

/* --- several objects at once --- */

/* The front that a call may use without a lock; NULL or all zeros: none. */
static inline struct mempool_front *mempool_fixed_front(mempool_fixed_t *pool)
{
	return pool->slot < 0
		       ? &pool->front
		       : (struct mempool_front *)mempool_local[pool->slot];
}

/* `count` from the alloc side, the top first.  False: it has fewer, or 0. */
static inline bool mempool_front_pop_bulk(struct mempool_front *f,
					  void **objects, size_t count)
{
	void **top = f->alloc;
	size_t have = (-(uintptr_t)top & f->mask) / sizeof(*top);

	if (__builtin_constant_p(count) && count == 1) {
		*objects = mempool_front_pop(f);
		return *objects != NULL;
	}
	if (__builtin_expect(count - 1 >= have, 0))
		return false;
	__builtin_memcpy(objects, top - 1, count * sizeof(*top));
	MEMPOOL_STORE(f->alloc, top + count);
	return true;
}

/* Returns how many the free side took before one that push would refuse. */
static inline size_t mempool_front_push_bulk(struct mempool_front *f,
					     void *const *objects, size_t count)
{
	void **top = f->free, *last;
	size_t room = ((uintptr_t)top & f->mask) / sizeof(*top), n = 0;

	if (__builtin_constant_p(count) && count == 1)
		return mempool_front_push(f, *objects);
	if (__builtin_expect(!room, 0))
		return 0;
	if (__builtin_expect(count > room, 0))
		count = room;
	/* Four at a time as long as all is well: fewer branches. */
	for (last = *top; n + 4 <= count; n += 4) {
		void *a = objects[n], *b = objects[n + 1];
		void *c = objects[n + 2], *d = objects[n + 3];

		if (__builtin_expect(!a || !b || !c || !d || a == last ||
					     b == a || c == b || d == c,
				     0))
			break;
		top -= 4;
		top[3] = a;
		top[2] = b;
		top[1] = c;
		top[0] = last = d;
	}
	for (; n < count && objects[n] && objects[n] != last; n++)
		*--top = last = objects[n];
	MEMPOOL_STORE(f->free, top);
	return n;
}

/*
 * Fills objects[0] to objects[count - 1] with objects, as so many calls of
 * mempool_fixed_alloc() would, but all or nothing: 0, or a negative errno.
 * So do DPDK's rte_mempool_get_bulk() and the kernel's kmem_cache_alloc_bulk():
 * who wants a batch has no use for a part of it, and nothing is left to undo.
 *
 * -ENOMEM: fewer than `count` are to be had; none is taken, all slots are NULL.
 * What the source gave for it stays with the pool.  Of several callers who want
 * more together than there is, those get theirs whose wish can be met.
 * -EINVAL, with nothing changed: pool is NULL, objects is while count is not 0,
 * or no array can have so many.  A count of 0 does nothing.
 *
 * At most one lock a call, unless memory is out; else as mempool_fixed_alloc().
 */
MEMPOOL_MUSTUSE static inline int
mempool_fixed_alloc_bulk(mempool_fixed_t *pool, void **objects, size_t count)
{
	struct mempool_front *mine;

	if (__builtin_expect(pool && objects, 1)) {
		mine = mempool_fixed_front(pool);
		if (__builtin_expect(mine != NULL, 1) &&
		    mempool_front_pop_bulk(mine, objects, count))
			return 0;
	}
	return mempool_fixed_alloc_bulk_slow(pool, objects, count);
}

/*
 * Takes back what is in objects[0] to objects[count - 1], as so many calls of
 * mempool_fixed_free() in this order: NULL among them is passed over, misuse is
 * found as there, also within one batch.  The array itself is not changed, and
 * need not be one that mempool_fixed_alloc_bulk() filled.
 *
 * Never fails, never takes memory; at most one lock a call.  With a count other
 * than 0, no array, or one longer than can be, stops the program with a line.
 */
static inline void mempool_fixed_free_bulk(mempool_fixed_t *pool,
					   void *const *objects, size_t count)
{
	struct mempool_front *mine;
	size_t n = 0;

	if (__builtin_expect(pool && objects, 1)) {
		mine = mempool_fixed_front(pool);
		if (__builtin_expect(mine != NULL, 1))
			n = mempool_front_push_bulk(mine, objects, count);
	}
	if (__builtin_expect(n < count, 0))
		mempool_fixed_free_bulk_slow(pool, objects + n, count - n);
}

/*
 * True when `p` points at an object of the pool, in use or free.  False when
 * either is NULL.  O(1); takes the lock.
 */
MEMPOOL_API bool mempool_fixed_owns(mempool_fixed_t *pool, const void *p);

/*
 * Gives the blocks that are wholly free back to the source, in whatever order
 * their objects were freed.  The stacks of the caller are emptied first, and
 * in a locked pool all of them; those of other threads of a thread-local pool
 * stay.  Memory of stacks that nobody uses goes back as well.  Returns the
 * bytes given back.  NULL: 0.
 */
MEMPOOL_API size_t mempool_fixed_trim(mempool_fixed_t *pool);

/*
 * What the pool can say about itself.  held_bytes are the blocks, what is known
 * of them, and the stacks; overhead_bytes what of all that is no object.  Takes
 * the lock.  A NULL pool: all zeros; stats NULL does nothing.
 */
MEMPOOL_API void mempool_fixed_stats(mempool_fixed_t *pool,
				     struct mempool_stats *stats);

/*
 * Ends the program when an invariant does not hold, or when a free object is
 * found that is none.  Other threads may be in the pool.  NULL does nothing.
 */
MEMPOOL_API void mempool_fixed_check(mempool_fixed_t *pool);

MEMPOOL_END

#endif
