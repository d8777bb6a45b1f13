/* SPDX-License-Identifier: MIT */
/*
 * count.c - counts what goes to the next allocator: a layer over its table.
 */
#include "count.h"

#include "next.h"
#include "watch/forwarded.h"

static struct next plain LARGE("count");

static RARE void *counting_malloc(size_t size)
{
	forwarded_add(FORWARDED_MALLOC, size);
	return plain.malloc(size);
}

static RARE void counting_free(void *p)
{
	forwarded_add(FORWARDED_FREE, 0);
	plain.free(p);
}

static RARE void *counting_calloc(size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		total = SIZE_MAX;
	forwarded_add(FORWARDED_CALLOC, total);
	return plain.calloc(n, size);
}

static RARE void *counting_realloc(void *p, size_t size)
{
	forwarded_add(FORWARDED_REALLOC, size);
	return plain.realloc(p, size);
}

static RARE void *counting_aligned(enum next_name name, size_t alignment,
				   size_t size)
{
	forwarded_add(FORWARDED_ALIGNED, size);
	return plain.aligned(name, alignment, size);
}

RARE void count_next(void)
{
	static const struct next counting = {
		counting_malloc,  counting_free,    counting_calloc,
		counting_realloc, counting_aligned, NULL,
	};

	forwarded_counting = true;
	next_wrap(&counting, &plain);
}
