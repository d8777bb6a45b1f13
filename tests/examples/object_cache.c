/* SPDX-License-Identifier: MIT */
/*
 * object_cache.c - connections that stay constructed between their users.
 *
 * A connection has a lock and a buffer, which are expensive to make.  Sixteen
 * workers serve a thousand requests each; the cache constructs as many
 * connections as are ever in use at once, and not one a request.
 */
#include <errno.h>
#include <mempool.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORKERS = 16, REQUESTS = 1000, BUFFER = 4096 };

struct connection {
	pthread_mutex_t lock;
	char *buffer;
	unsigned served;
};

static long constructed, destroyed;

static int construct(void *object, void *arg)
{
	struct connection *c = object;

	(void)arg;
	c->buffer = malloc(BUFFER);
	if (!c->buffer)
		return -ENOMEM;
	c->served = 0;
	__atomic_add_fetch(&constructed, 1, __ATOMIC_RELAXED);
	return pthread_mutex_init(&c->lock, NULL);
}

static void destroy(void *object, void *arg)
{
	struct connection *c = object;

	(void)arg;
	pthread_mutex_destroy(&c->lock);
	free(c->buffer);
	__atomic_add_fetch(&destroyed, 1, __ATOMIC_RELAXED);
}

/* Nobody may put a connection back that he holds locked. */
static bool is_unlocked(const void *object, void *arg)
{
	pthread_mutex_t *lock = &((struct connection *)object)->lock;

	(void)arg;
	if (pthread_mutex_trylock(lock))
		return false;
	pthread_mutex_unlock(lock);
	return true;
}

static void *work(void *cache)
{
	for (int i = 0; i < REQUESTS; i++) {
		struct connection *c = mempool_cache_get(cache, MEMPOOL_WAIT);

		if (!c) {
			perror("mempool_cache_get");
			exit(1);
		}
		pthread_mutex_lock(&c->lock);
		snprintf(c->buffer, BUFFER, "request %d", i);
		c->served++;
		pthread_mutex_unlock(&c->lock);
		mempool_cache_put(cache, c);
	}
	return NULL;
}

static int add_served(void *object, void *sum)
{
	*(unsigned long *)sum += ((struct connection *)object)->served;
	return 0;
}

int main(void)
{
	struct mempool_cache_options options = {
		.base = { .name = "connections",
			  .threading = MEMPOOL_THREAD_LOCAL },
		.construct = construct,
		.destroy = destroy,
		.verify = is_unlocked,
		.ahead = 4,
	};
	mempool_cache_t *cache =
		mempool_cache_create(sizeof(struct connection), &options);
	pthread_t threads[WORKERS];
	struct mempool_stats stats;
	unsigned long served = 0;

	if (!cache) {
		perror("mempool_cache_create");
		return 1;
	}
	printf("made ahead: %ld\n", constructed);
	for (int i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, work, cache);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);

	mempool_cache_stats(cache, &stats);
	printf("in use: %lu\n", (unsigned long)stats.live);
	printf("constructed once each: %s\n",
	       stats.stock == (uint64_t)constructed ? "yes" : "no");
	printf("far fewer than requests: %s\n",
	       constructed < WORKERS * REQUESTS / 10 ? "yes" : "no");

	/* A walk visits what is in use: all of them, now. */
	for (long i = constructed; i > 0; i--)
		if (!mempool_cache_get(cache, MEMPOOL_WAIT))
			return 1;
	mempool_cache_walk(cache, add_served, &served);
	printf("requests served: %lu\n", served);

	mempool_cache_destroy(cache);
	printf("each destroyed: %s\n", constructed == destroyed ? "yes" : "no");
	return 0;
}
