/* SPDX-License-Identifier: MIT */
/*
 * pool-other-thread.c - uses a single-thread cache in a second thread, while
 * the first is still there: MEMPOOL_DEBUG=owner sees it.
 */
#include "misuse.h"

#include <mempool.h>
#include <pthread.h>

static mempool_cache_t *cache;

static void *use(void *unused)
{
	(void)unused;
	return mempool_cache_get(cache, MEMPOOL_WAIT);
}

int main(int argc, char **argv)
{
	struct mempool_cache_options options = {
		.base = { .name = "lonely", .threading = MEMPOOL_SINGLE },
	};
	pthread_t thread;

	cache = mempool_cache_create(size_wanted(argc, argv), &options);
	CHECK(cache);
	CHECK(mempool_cache_get(cache, MEMPOOL_WAIT));
	pthread_create(&thread, NULL, use, NULL);
	pthread_join(thread, NULL);
	return not_noticed();
}
