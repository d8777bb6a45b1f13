/* SPDX-License-Identifier: MIT */
/*
 * block_io.c - block I/O that gets through when memory does not.
 *
 * Writing out dirty pages frees memory, so it must not fail for want of it: the
 * case that the kernel's mempools were made for.  Four writers submit requests
 * to a device, which completes them one by one.  The source of requests gives
 * no more than a few at a time, and for a while none at all; the reserve of the
 * mempool and the line of waiters see to it that every request is made, and
 * none lost.
 */
#include <mempool.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	WRITERS = 4,
	REQUESTS = 2500, /* of each writer */
	RESERVE = 4,
	PLENTY = 8, /* what the source has on a good day */
	DROUGHT = REQUESTS * WRITERS / 2, /* sectors written; then it is dry */
};

struct request {
	struct request *next;
	unsigned long sector;
};

/* --- a source of memory that runs dry --- */

static int given;
static bool dry;

static void *source_alloc(gfp_t flags, void *data)
{
	(void)flags;
	(void)data;
	if (__atomic_load_n(&dry, __ATOMIC_RELAXED))
		return NULL;
	if (__atomic_add_fetch(&given, 1, __ATOMIC_RELAXED) <= PLENTY)
		return malloc(sizeof(struct request));
	__atomic_sub_fetch(&given, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void source_free(void *element, void *data)
{
	(void)data;
	free(element);
	__atomic_sub_fetch(&given, 1, __ATOMIC_RELAXED);
}

/* --- the device --- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t submitted = PTHREAD_COND_INITIALIZER;
static struct request *queue, **queue_end = &queue;
static mempool_t *pool;
static unsigned long written, sum;

static void submit(struct request *r)
{
	r->next = NULL;
	pthread_mutex_lock(&lock);
	*queue_end = r;
	queue_end = &r->next;
	pthread_cond_signal(&submitted);
	pthread_mutex_unlock(&lock);
}

static struct request *next_request(void)
{
	struct request *r;

	pthread_mutex_lock(&lock);
	while (!queue)
		pthread_cond_wait(&submitted, &lock);
	r = queue;
	queue = r->next;
	if (!queue)
		queue_end = &queue;
	pthread_mutex_unlock(&lock);
	return r;
}

/* Completion gives the request back, and so lets a waiting writer go on. */
static void *run_device(void *unused)
{
	(void)unused;
	while (written < (unsigned long)WRITERS * REQUESTS) {
		struct request *r = next_request();

		sum += r->sector;
		if (++written == DROUGHT)
			__atomic_store_n(&dry, true, __ATOMIC_RELAXED);
		mempool_free(r, pool);
	}
	return NULL;
}

/* --- the writers --- */

static void *write_out(void *first)
{
	for (unsigned long i = 0; i < REQUESTS; i++) {
		struct request *r = mempool_alloc(pool, GFP_NOIO);

		if (!r)
			abort(); /* never: it may sleep */
		r->sector = (unsigned long)first + i;
		submit(r);
	}
	return NULL;
}

int main(void)
{
	unsigned long all = (unsigned long)WRITERS * REQUESTS;
	pthread_t device, writers[WRITERS];
	struct timespec past = { 0, 0 };
	void *held[RESERVE];

	pool = mempool_create(RESERVE, source_alloc, source_free, NULL);
	if (!pool) {
		perror("mempool_create");
		return 1;
	}
	pthread_create(&device, NULL, run_device, NULL);
	for (unsigned long i = 0; i < WRITERS; i++)
		pthread_create(&writers[i], NULL, write_out,
			       (void *)(i * REQUESTS));
	for (int i = 0; i < WRITERS; i++)
		pthread_join(writers[i], NULL);
	pthread_join(device, NULL);

	printf("requests written: %lu of %lu\n", written, all);
	printf("each sector once: %s\n",
	       sum == all * (all - 1) / 2 ? "yes" : "no");
	printf("reserve full again: %s\n",
	       mempool_is_saturated(pool) ? "yes" : "no");

	/* The source is still dry: the reserve is all there is. */
	for (int i = 0; i < RESERVE; i++)
		held[i] = mempool_alloc(pool, GFP_NOWAIT);
	printf("without the source: %d requests, then %s\n",
	       held[RESERVE - 1] ? RESERVE : 0,
	       mempool_alloc(pool, GFP_NOWAIT) ? "more" : "none");
	if (!mempool_alloc_until(pool, GFP_NOIO, &past))
		perror("with a deadline in the past");
	for (int i = 0; i < RESERVE; i++)
		mempool_free(held[i], pool);

	mempool_destroy(pool);
	printf("elements lost: %d\n", given);
	return 0;
}
