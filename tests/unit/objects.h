/*
 * objects.h - small objects from the heap, asked for as preload/malloc.c does.
 */
#ifndef UNIT_OBJECTS_H
#define UNIT_OBJECTS_H

#include "heap/cache.h"

/* 1..SMALL_MAX bytes; NULL when the source fails. */
static inline void *object_alloc(size_t size)
{
	void *p;

	return cache_pop(size, &p) ? p : cache_alloc_slow(size);
}

/* The same, and the reserve as the last resort. */
static inline void *object_alloc_at_last(size_t size)
{
	void *p = object_alloc(size);

	return p ? p : cache_alloc_reserve(size);
}

static inline void object_free(void *p)
{
	if (!cache_push(space_size_of(p), p))
		cache_free_slow(p);
}

#endif
