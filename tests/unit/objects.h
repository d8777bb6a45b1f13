/* SPDX-License-Identifier: MIT */
/*
 * objects.h - small objects from the heap, asked for as preload/malloc.c does.
 */
#ifndef UNIT_OBJECTS_H
#define UNIT_OBJECTS_H

#include "base/config.h"
#include "heap/cache.h"
#include "heap/cache_wait.h"

/* 1..WIDE_MAX bytes; NULL when the source fails, and beyond the border. */
static inline void *object_alloc(size_t size)
{
	bool popped;
	void *p;

	popped = size <= SMALL_MAX ? cache_pop(size, &p)
				   : cache_pop_wide(size, &p);
	return popped ? p : cache_alloc_slow(size);
}

/* There is no other allocator. */
__attribute__((unused)) static void *object_none(void *unused)
{
	(void)unused;
	return NULL;
}

/* The same, and as the last resort the reserve, or a wait. */
static inline void *object_alloc_at_last(size_t size)
{
	void *p = object_alloc(size);

	if (!p && config.wait_ms)
		return cache_alloc_waiting(size, object_none, NULL);
	return p ? p : cache_alloc_reserve(size);
}

static inline void object_free(void *p)
{
	if (!cache_push(space_place_of(p), p))
		cache_free_slow(p);
}

#endif
