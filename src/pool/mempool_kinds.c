/* SPDX-License-Identifier: MIT */
/*
 * mempool_kinds.c - mempools of the kinds that the kernel has, and pools as
 * sources of one.
 */

#include "base/errors.h"
#include "mempool/cache.h"
#include "mempool/pages.h"
#include "mempool/reserve.h"

mempool_t *mempool_create_kmalloc_pool(int min_nr, size_t size)
{
	if (!size)
		return refused(EINVAL);
	return mempool_create(min_nr, mempool_kmalloc, mempool_kfree,
			      (void *)size);
}

mempool_t *mempool_create_page_pool(int min_nr, int order)
{
	if (order < 0 || (unsigned)order > MEMPOOL_MAX_ORDER)
		return refused(EINVAL);
	return mempool_create(min_nr, mempool_alloc_pages, mempool_free_pages,
			      (void *)(size_t)order);
}

/* The cache refuses MEMPOOL_ZERO by itself: its objects are constructed. */
void *mempool_alloc_slab(gfp_t flags, void *pool_data)
{
	return mempool_cache_get(pool_data, flags | MEMPOOL_NOWAIT);
}

void mempool_free_slab(void *element, void *pool_data)
{
	mempool_cache_put(pool_data, element);
}

mempool_t *mempool_create_slab_pool(int min_nr, struct mempool_cache *cache)
{
	if (!cache)
		return refused(EINVAL);
	return mempool_create(min_nr, mempool_alloc_slab, mempool_free_slab,
			      cache);
}

void *mempool_alloc_mempool(gfp_t flags, void *pool_data)
{
	return mempool_alloc(pool_data, flags | MEMPOOL_NOWAIT);
}

void mempool_free_mempool(void *element, void *pool_data)
{
	mempool_free(element, pool_data);
}
