/* SPDX-License-Identifier: MIT */
/*
 * malloc.c - the malloc family, as programs call it.
 *
 * Up to 128 bytes: this thread's magazine.  Everything else leaves by a tail
 * jump: to the slow path, or to `beyond`: the next allocator, or wide.c.
 */
#include <errno.h>
#include <string.h>

#include "heap/cache.h"
#include "heap/slab_check.h"
#include "heap/slab_crime.h"
#include "next.h"

EXPORT void *malloc(size_t size)
{
	void *p;

	if (unlikely(size > beyond.above))
		return beyond.malloc(size);
	if (unlikely(!cache_pop(size, &p)))
		return next_alloc_slow(NEXT_MALLOC, 0, size);
	return p;
}

static NOINLINE void free_slow(void *p)
{
	if (slab_class_of(p)) {
		cache_free_slow(p);
		return;
	}
	slab_must_be_foreign(p);
	next.free(p);
}

EXPORT void free(void *p)
{
	size_t slab;

	if (unlikely(!p))
		return;
	slab = space_slab_of(p);
	if (unlikely(slab >= WINDOW_SLABS)) {
		next.free(p);
		return;
	}
	if (unlikely(!cache_push(space_map()[slab], p)))
		free_slow(p);
}

/* Objects are multiples of this.  Written and read from both ends at once. */
struct unit {
	uint64_t word __attribute__((vector_size(CLASS_STEP)));
} __attribute__((may_alias, packed, aligned(1)));

/* Zeroes the whole object: `size` rounded up, 16..128 bytes. */
static inline void *zeroed(void *p, size_t size)
{
	const struct unit zero = { { 0 } };
	struct unit *at = p;
	struct unit *end = at + (size + CLASS_STEP - 1) / CLASS_STEP;

	at[0] = end[-1] = zero;
	if (size > 32) {
		at[1] = end[-2] = zero;
		if (size > 64)
			at[2] = at[3] = end[-3] = end[-4] = zero;
	}
	return p;
}

EXPORT void *calloc(size_t n, size_t size)
{
	size_t total;
	void *p;

	if (unlikely(__builtin_mul_overflow(n, size, &total)) ||
	    unlikely(total > SMALL_MAX))
		return beyond.calloc(n, size);
	if (unlikely(!cache_pop(total, &p)))
		return next_calloc_slow(total);
	return zeroed(p, total);
}

/* Copies `size` bytes, rounded up, 16..128, between objects. */
static inline void copy_units(void *to, const void *from, size_t size)
{
	size_t units = (size + CLASS_STEP - 1) / CLASS_STEP;
	const struct unit *in = from;
	struct unit *out = to;

	out[0] = in[0];
	out[units - 1] = in[units - 1];
	if (units > 2) {
		out[1] = in[1];
		out[units - 2] = in[units - 2];
		if (units > 4) {
			out[2] = in[2];
			out[3] = in[3];
			out[units - 3] = in[units - 3];
			out[units - 4] = in[units - 4];
		}
	}
}

/*
 * A pooled object of `old` bytes moves, when there is no object at hand and
 * time to look whether `p` is one that is free.  What malloc gives may be
 * another allocator's.  Nowhere to go: a smaller size stays where it is, a
 * larger one is NULL.
 */
static NOINLINE void *realloc_slow(void *p, size_t old, size_t size)
{
	void *to;

	if (unlikely(!slab_object_used(p)))
		slab_crime(slab_class_of(p), p);
	if (unlikely(!size)) {
		free(p);
		return NULL;
	}
	to = malloc(size);
	if (unlikely(!to))
		return size < old ? p : NULL;
	memcpy(to, p, min_of(old, size));
	free(p);
	return to;
}

/* A pooled object of `old` bytes moves to a wide class where that is served. */
static NOINLINE void *realloc_up(void *p, size_t old, size_t size)
{
	void *to;

	if (size <= SMALL_MAX || unlikely(size > class_border) ||
	    unlikely(!cache_pop_wide(size, &to)))
		return realloc_slow(p, old, size);
	memcpy(to, p, min_of(old, size));
	free(p);
	return to;
}

/* Of an object of a wide class, of `old` bytes. */
static ASIDE void *realloc_wide(void *p, size_t old, size_t size)
{
	return likely(class_keeps(old, size)) ? p : realloc_up(p, old, size);
}

/* A pooled object of `old` bytes moves to another class, or out. */
static void *move_pooled(void *p, size_t old, size_t size)
{
	void *to;

	if (unlikely(size > SMALL_MAX) || unlikely(!cache_pop(size, &to)))
		return size > SMALL_MAX ? realloc_up(p, old, size)
					: realloc_slow(p, old, size);
	copy_units(to, p, min_of(old, size));
	free(p);
	return to;
}

/* A foreign block shrinks to a pooled size.  It stays when that fails. */
static ASIDE void *shrink_foreign(void *p, size_t size)
{
	size_t old = next.usable_size(p);
	void *to = NULL;

	if (old && !cache_pop(size, &to))
		to = cache_alloc_slow(size);
	if (!to)
		return next.realloc(p, size);
	memcpy(to, p, min_of(old, size));
	next.free(p);
	return to;
}

static inline void *realloc_pooled(void *p, size_t old, size_t size)
{
	if (likely(round_up(size, CLASS_STEP) == old))
		return p;
	return move_pooled(p, old, size);
}

static void *realloc_null(size_t size)
{
	void *p;

	if (unlikely(size > SMALL_MAX))
		return beyond.realloc(NULL, size);
	if (likely(cache_pop(size, &p)))
		return p;
	return next_alloc_slow(NEXT_REALLOC, 0, size);
}

/* Not of a class that the map tells. */
static NOINLINE void *realloc_unusual(void *p, size_t size)
{
	unsigned hidden = slab_class_of(p);

	if (!p)
		return realloc_null(size);
	if (hidden > SMALL_CLASSES)
		return realloc_wide(p, class_size(hidden), size);
	if (hidden)
		return realloc_pooled(p, class_size(hidden), size);
	slab_must_be_foreign(p);
	if (size > SMALL_MAX || !size)
		return next.realloc(p, size);
	return shrink_foreign(p, size);
}

EXPORT void *realloc(void *p, size_t size)
{
	size_t old = space_place_of(p) * PLACE_BYTES;

	if (likely(old - 1 < SMALL_MAX))
		return realloc_pooled(p, old, size);
	if (old)
		return realloc_wide(p, slab_size_of(p), size);
	return realloc_unusual(p, size);
}

EXPORT size_t malloc_usable_size(void *p)
{
	size_t size = slab_size_of(p);

	if (likely(size))
		return size;
	size = class_size(slab_class_of(p));
	if (!size && p)
		size = next.usable_size(p);
	return size;
}
