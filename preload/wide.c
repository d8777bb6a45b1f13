/*
 * wide.c - requests beyond 128 bytes that the pools serve: MPOOL_SMALL_MAX.
 *
 * They leave malloc.c through `beyond`, by the test that it makes anyway, so
 * small requests see nothing of them, and without a wider border this file is
 * never reached.  free needs nothing of its own.
 */
#include "wide.h"

#include <string.h>

#include "heap/cache.h"
#include "next.h"
#include "threads.h"

static NOINLINE void *wide_slow(size_t size)
{
	void *p = cache_alloc_slow(size);

	return likely(p) ? p : next_or_reserve(NEXT_MALLOC, 0, size);
}

static void *wide_malloc(size_t size)
{
	void *p;

	if (unlikely(size > class_border))
		return next.malloc(size);
	if (unlikely(!cache_pop_wide(size, &p)))
		return wide_slow(size);
	return p;
}

/* All of the object: programs use what malloc_usable_size() says. */
static void *wide_calloc(size_t n, size_t size)
{
	size_t total;
	void *p;

	if (unlikely(__builtin_mul_overflow(n, size, &total)) ||
	    unlikely(total > class_border))
		return next.calloc(n, size);
	if (unlikely(!cache_pop_wide(total, &p))) {
		p = cache_alloc_slow(total);
		if (unlikely(!p))
			return next_calloc_or_reserve(total);
	}
	return memset(p, 0, class_size(wide_class_of(total)));
}

static void *wide_realloc_null(void *p, size_t size)
{
	(void)p;
	if (unlikely(size > class_border))
		return next.realloc(NULL, size);
	if (unlikely(!cache_pop_wide(size, &p))) {
		p = cache_alloc_slow(size);
		if (unlikely(!p))
			return next_or_reserve(NEXT_REALLOC, 0, size);
	}
	return p;
}

RARE void wide_start(void)
{
	static const struct next wide = {
		.malloc = wide_malloc,
		.calloc = wide_calloc,
		.realloc = wide_realloc_null,
	};

	next_take_beyond(&wide);
	next.free(NULL); /* finds the next allocator */
	threads_raise_trim();
}
