/* SPDX-License-Identifier: MIT */
/*
 * smalls.h - what the tests of the two-level allocator share.
 */
#ifndef UNIT_SMALLS_H
#define UNIT_SMALLS_H

#include "heap/class.h"
#include "heap/heap.h"
#include "mempool/small.h"
#include "unit/errors.h"
#include "unit/mallocs.h"
#include "unit/source.h"

static inline void need_classes(void)
{
	if (heap_vetoed())
		apart_skip("everything comes from the sanitizer's malloc()");
}

static inline struct mempool_stats whole(void)
{
	struct mempool_stats s;

	assert_int_equal(mempool_small_stats(&s), 0);
	return s;
}

static inline struct mempool_stats class_of_size(size_t size)
{
	struct mempool_stats s;

	assert_int_equal(mempool_small_class_stats(class_of(size), &s), 0);
	return s;
}

/* Takes objects until there are none; a list through them. */
static inline size_t exhaust(size_t size, void **list)
{
	size_t n = 0;
	void *p;

	for (*list = NULL; (p = mempool_small_alloc(size)); n++) {
		*(void **)p = *list;
		*list = p;
	}
	assert_int_equal(errno, ENOMEM);
	return n;
}

static inline void free_list(void *list)
{
	while (list) {
		void *next = *(void **)list;

		mempool_small_free(list);
		list = next;
	}
}

#endif
