/* SPDX-License-Identifier: MIT */
/*
 * wide.c - requests beyond 128 bytes that the pools serve: MPOOL_SMALL_MAX.
 *
 * They leave malloc.c through `beyond`, by the test that it makes anyway, and
 * without a wider border this file is never reached.  free needs nothing of its
 * own.  malloc sends small requests here, too: where programs mix sizes, no
 * processor foresees which of two ways the next one goes, and that costs more
 * than to find them in the same table.
 */
#include "wide.h"

#include <string.h>

#include "heap/cache.h"
#include "next.h"
#include "threads.h"

enum { OFTEN = 4096 /* see forward() */ };

/*
 * A program that lives on large blocks has nothing in glibc's main arena that
 * pins its top, which then comes and goes.  Others rather have their arrays of
 * more than 128 KiB mapped, for a mapping grows without a copy (lua, sqlite:
 * 3 and 10 % of memory).
 */
static NOINLINE void *forward(size_t size)
{
	static unsigned times;

	if (unlikely(++times == OFTEN))
		threads_raise_trim();
	return next.malloc(size);
}

static void *wide_malloc(size_t size)
{
	void *p;

	if (unlikely(size > class_border))
		return forward(size);
	if (unlikely(!cache_pop_wide(size, &p)))
		return next_alloc_slow(NEXT_MALLOC, 0, size);
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
	if (unlikely(!cache_pop_wide(total, &p)))
		return next_calloc_slow(total);
	return memset(p, 0, class_size(wide_class_of(total)));
}

static void *wide_realloc_null(void *p, size_t size)
{
	(void)p;
	if (unlikely(size > class_border))
		return next.realloc(NULL, size);
	if (unlikely(!cache_pop_wide(size, &p)))
		return next_alloc_slow(NEXT_REALLOC, 0, size);
	return p;
}

RARE void wide_start(void)
{
	static const struct beyond wide = {
		.above = 0,
		.malloc = wide_malloc,
		.calloc = wide_calloc,
		.realloc = wide_realloc_null,
	};

	next_take_beyond(&wide);
}
