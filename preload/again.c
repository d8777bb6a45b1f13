/* SPDX-License-Identifier: MIT */
/*
 * again.c - when the next allocator is refused, the pools give way.
 *
 * Free slabs are address space, which RLIMIT_AS counts, and memory that the
 * program might write to, which RLIMIT_DATA counts.  So a larger request that
 * fails gets both, and is made once more.
 *
 * A layer over the table of next.h, put there once the pools have something
 * to give: a program of few small objects reaches the next allocator by jumps
 * alone.  What is kept may be worth it no more: that, too, is looked at here.
 */
#include <errno.h>
#include <stdint.h>

#include "heap/class.h"
#include "heap/heap.h"
#include "heap/space.h"
#include "heap/tick.h"
#include "next.h"

static struct next plain;

/*
 * Small requests that are served have had their turn with the pools.  Asking
 * again is worth it though nothing is left to give: another thread may just
 * have given it.
 */
static COLD bool give_way(size_t size)
{
	if (size <= min_of(class_border, (size_t)SMALL_MAX) ||
	    size > PTRDIFF_MAX || errno != ENOMEM)
		return false;
	heap_yield();
	return true;
}

static COLD void *malloc_again(size_t size)
{
	return give_way(size) ? plain.malloc(size) : NULL;
}

static void *yielding_malloc(size_t size)
{
	void *p;

	tick_now();
	p = plain.malloc(size);
	return likely(p) ? p : malloc_again(size);
}

static void *yielding_calloc(size_t n, size_t size)
{
	size_t total;
	void *p;

	tick_now();
	p = plain.calloc(n, size);
	if (unlikely(!p) && !__builtin_mul_overflow(n, size, &total) &&
	    give_way(total))
		p = plain.calloc(n, size);
	return p;
}

static void *yielding_realloc(void *old, size_t size)
{
	void *p;

	tick_now();
	p = plain.realloc(old, size);
	if (unlikely(!p) && give_way(size))
		p = plain.realloc(old, size);
	return p;
}

static void *yielding_aligned(enum next_name name, size_t alignment,
			      size_t size)
{
	void *p;

	tick_now();
	p = plain.aligned(name, alignment, size);
	if (unlikely(!p) && give_way(size))
		p = plain.aligned(name, alignment, size);
	return p;
}

/* Called with the space's lock held, which makes one of several callers. */
ASIDE void space_notable(void)
{
	static const struct next yielding = {
		yielding_malloc,  NULL, yielding_calloc, yielding_realloc,
		yielding_aligned, NULL,
	};
	static bool done;

	if (done)
		return;
	done = true;
	next_wrap(&yielding, &plain);
}
