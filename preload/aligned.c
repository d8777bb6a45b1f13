/*
 * aligned.c - aligned requests.
 *
 * A slab is aligned to its size, so an object is aligned to the largest power
 * of two that divides its class's size: rounding a request up to a multiple of
 * its alignment finds it a class that is aligned enough, among the wide ones,
 * too: between two powers of two all are multiples of an eighth of the larger.
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

/*
 * `size` is a multiple of the alignment.  What the pools cannot give now is
 * asked for with its alignment elsewhere.
 */
static void *pooled(enum next_name name, size_t alignment, size_t size)
{
	void *p;

	if (size <= SMALL_MAX ? cache_pop(size, &p) : cache_pop_wide(size, &p))
		return p;
	p = cache_alloc_slow(size);
	return p ? p : next_or_reserve(name, alignment, size);
}

/* The next allocator knows what it makes of odd alignments. */
static inline void *aligned(enum next_name name, size_t alignment, size_t size,
			    const void *caller)
{
	size_t most = max_of(class_border, (size_t)SMALL_MAX);
	size_t rounded = round_up(max_of(size, (size_t)1), alignment);

	if (is_power_of_two(alignment) && alignment <= most && size <= most &&
	    rounded <= most && likely(!next_aligned_is_caller(caller)))
		return pooled(name, alignment, rounded);
	return next.aligned(name, alignment, max_of(size, (size_t)1));
}

EXPORT void *memalign(size_t alignment, size_t size)
{
	return aligned(MEMALIGN, alignment, size, __builtin_return_address(0));
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
	return aligned(ALIGNED_ALLOC, alignment, size,
		       __builtin_return_address(0));
}

/* The error is the result; errno says so, too, where glibc's does. */
EXPORT int posix_memalign(void **p, size_t alignment, size_t size)
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
