/* SPDX-License-Identifier: MIT */
/*
 * mempool_source.c - sources that the library brings along.
 *
 * kmalloc is malloc, not the small heap: it serves all sizes, its elements are
 * seen one by one by ASan, valgrind and heap profilers, a program may pass
 * them on to who will free() them, and where libmpool.so is preloaded the
 * small heap is behind it anyway.
 */
#include <stdlib.h>
#include <string.h>

#include "base/common.h"
#include "mempool/pages.h"
#include "mempool/reserve.h"

void *mempool_kmalloc(gfp_t flags, void *pool_data)
{
	size_t size = (size_t)pool_data;

	if (unlikely(flags & MEMPOOL_ZERO))
		return calloc(1, size);
	return malloc(size);
}

void mempool_kfree(void *element, void *pool_data)
{
	(void)pool_data;
	free(element);
}

void *mempool_alloc_pages(gfp_t flags, void *pool_data)
{
	size_t wanted = (size_t)pool_data;
	unsigned order = (unsigned)min_of(wanted, MEMPOOL_MAX_ORDER + 1ul);
	void *block = mempool_pages_alloc(NULL, order);

	if (block && (flags & MEMPOOL_ZERO))
		memset(block, 0, mempool_pages_size(order));
	return block;
}

void mempool_free_pages(void *element, void *pool_data)
{
	mempool_pages_free(NULL, element, (unsigned)(size_t)pool_data);
}
