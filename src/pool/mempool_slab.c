/*
 * mempool_slab.c - an object cache as the source of a mempool.
 */
#include <errno.h>

#include "mempool/cache.h"
#include "mempool/reserve.h"

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
	if (!cache) {
		errno = EINVAL;
		return NULL;
	}
	return mempool_create(min_nr, mempool_alloc_slab, mempool_free_slab,
			      cache);
}
