/*
 * aligned.c - aligned requests.
 *
 * A slab is aligned to its size, so an object of class c is aligned to the
 * largest power of two that divides 16 c: rounding a small request up to a
 * multiple of its alignment finds it a class that is aligned enough.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "heap/cache.h"
#include "next.h"

static bool is_power_of_two(size_t n)
{
	return n && !(n & (n - 1));
}

/* What the pools cannot give now is asked for with its alignment elsewhere. */
static void *pooled(size_t alignment, size_t size)
{
	size_t rounded = round_up(max_of(size, (size_t)1), alignment);
	void *p;

	if (cache_pop(rounded, &p))
		return p;
	p = cache_alloc_slow(rounded);
	if (!p)
		p = next.memalign(alignment, rounded);
	if (!p)
		p = cache_alloc_reserve(rounded);
	if (!p)
		errno = ENOMEM;
	return p;
}

/*
 * As glibc's memalign: any alignment is rounded up to a power of two, and one
 * beyond half of the address space is EINVAL.
 */
static void *aligned(size_t alignment, size_t size)
{
	if (alignment > SIZE_MAX / 2 + 1) {
		errno = EINVAL;
		return NULL;
	}
	if (!is_power_of_two(alignment)) {
		size_t power = CLASS_STEP;

		while (power < alignment)
			power *= 2;
		alignment = power;
	}
	if (alignment <= CLASS_STEP)
		return malloc(size);
	if (alignment <= SMALL_MAX && size <= SMALL_MAX)
		return pooled(alignment, size);
	return next.memalign(alignment, max_of(size, (size_t)1));
}

EXPORT void *memalign(size_t alignment, size_t size)
{
	return aligned(alignment, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
	return aligned(alignment, size);
}

/* errno stays as it was; the error is the result. */
EXPORT int posix_memalign(void **p, size_t alignment, size_t size)
{
	int saved = errno;
	void *got;

	if (alignment % sizeof(void *) || !is_power_of_two(alignment))
		return EINVAL;
	got = aligned(alignment, size);
	errno = saved;
	if (!got)
		return ENOMEM;
	*p = got;
	return 0;
}
