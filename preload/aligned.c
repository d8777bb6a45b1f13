/* SPDX-License-Identifier: MIT */
/*
 * aligned.c - aligned requests.
 *
 * A slab is aligned to its size, so an object is aligned to the largest power
 * of two that divides its class's size.  Up to 128 bytes, rounding a request up
 * to a multiple of its alignment finds it a class that is aligned enough; among
 * the wide ones, the next that is: a power of two at the latest.
 */
#include <errno.h>
#include <stdlib.h>

#include "heap/cache.h"
#include "next.h"
#include "next_aligned.h"

static bool is_power_of_two(size_t n)
{
	return n && !(n & (n - 1));
}

/* Bytes of the smallest class that serves it; 0: the pools have none. */
static size_t pooled_size(size_t alignment, size_t size)
{
	size_t most =
		class_served ? max_of(class_border, (size_t)SMALL_MAX) : 0;
	size_t rounded = round_up(max_of(size, (size_t)1), alignment);
	unsigned c;

	if (!is_power_of_two(alignment) || alignment > most || size > most ||
	    rounded > most)
		return 0;
	c = class_of(rounded);
	while (class_size(c) & (alignment - 1))
		c++;
	return class_size(c) <= most ? class_size(c) : 0;
}

/*
 * `size` is that of a class that is aligned so.  What the pools cannot give now
 * is asked for with its alignment elsewhere.
 */
static ASIDE void *pooled(enum next_name name, size_t alignment, size_t size)
{
	void *p;

	if (size <= SMALL_MAX ? cache_pop(size, &p) : cache_pop_wide(size, &p))
		return p;
	return next_alloc_slow(name, alignment, size);
}

/* The next allocator knows what it makes of odd alignments. */
static inline void *aligned(enum next_name name, size_t alignment, size_t size,
			    const void *caller)
{
	size_t pool = pooled_size(alignment, size);

	if (pool && likely(!next_aligned_is_caller(caller)))
		return pooled(name, alignment, pool);
	return next.aligned(name, alignment, max_of(size, (size_t)1));
}

EXPORT ASIDE void *memalign(size_t alignment, size_t size)
{
	return aligned(MEMALIGN, alignment, size, __builtin_return_address(0));
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
	return aligned(ALIGNED_ALLOC, alignment, size,
		       __builtin_return_address(0));
}

/* The error is the result; errno says so, too, where glibc's does. */
EXPORT ASIDE int posix_memalign(void **p, size_t alignment, size_t size)
{
	int saved = errno;
	void *got;

	if (alignment % sizeof(void *) || !is_power_of_two(alignment))
		return EINVAL;
	got = aligned(POSIX_MEMALIGN, alignment, size,
		      __builtin_return_address(0));
	if (!got)
		return ENOMEM;
	errno = saved;
	*p = got;
	return 0;
}
