/* SPDX-License-Identifier: MIT */
/*
 * heaps.h - what the tests of the heap as a whole share.
 */
#ifndef UNIT_HEAPS_H
#define UNIT_HEAPS_H

#include "base/config.h"
#include "heap/cache_enter.h"
#include "heap/central.h"
#include "heap/check.h"
#include "heap/heap.h"
#include "heap/stats.h"
#include "heap/thread.h"
#include "unit/objects.h"

enum { HEAPS_MOST = 1 << 17 };

static void *objects[HEAPS_MOST];

/* Starts the heap with a reserve, and gives this thread its magazines. */
__attribute__((unused)) static void heaps_start(size_t reserve)
{
	config.reserve = reserve;
	heap_configured();
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++) {
		for (int i = 0; i < 48; i++)
			objects[i] = object_alloc(class_size(c));
		for (int i = 0; i < 48; i++)
			object_free(objects[i]);
	}
}

/* Empties this thread's cache into depot and slabs. */
__attribute__((unused)) static void heaps_flush(void)
{
	assert_true(cache_enter(&heap_cache));
	thread_flush(&heap_cache);
	cache_leave(&heap_cache);
}

/* Allocates until there is no more; returns how many. */
__attribute__((unused)) static size_t heaps_exhaust(size_t size, void **into)
{
	size_t got = 0;

	while ((into[got] = object_alloc(size)))
		got++;
	return got;
}

__attribute__((unused)) static void heaps_alloc(size_t size, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		objects[i] = object_alloc(size);
		assert_non_null(objects[i]);
	}
}

__attribute__((unused)) static void heaps_free(void *const *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		object_free(from[i]);
}

__attribute__((unused)) static struct class_stats heaps_stats(unsigned c)
{
	struct class_stats s;

	heap_class_stats(c, &s);
	return s;
}

/* Every object of the class is live, in stock or in the reserve. */
__attribute__((unused)) static void heaps_nothing_is_lost(unsigned c)
{
	struct class_stats s = heaps_stats(c);

	heap_check();
	assert_int_equal(s.live + s.stock + s.reserve_current,
			 central[c].slabs.capacity);
}

#endif
