/* SPDX-License-Identifier: MIT */
/*
 * pool-write-after-free.c - writes to an element that is back in a mempool's
 * reserve.  Arguments: the size, and the byte that is written to.
 */
#include "misuse.h"

#include <mempool.h>

int main(int argc, char **argv)
{
	size_t size = size_wanted(argc, argv);
	mempool_t *pool = mempool_create_kmalloc_pool(1, size);
	char *element;

	CHECK(pool);
	element = mempool_alloc(pool, MEMPOOL_RESERVE_ONLY);
	CHECK(element);
	announce(element);
	mempool_free(element, pool);
	((char *)opaque(element))[argc > 2 ? atol(argv[2]) : 0] = 1;
	CHECK(mempool_alloc(pool, MEMPOOL_RESERVE_ONLY));
	return not_noticed();
}
