/* SPDX-License-Identifier: MIT */
/*
 * var.c - a variable pool under threads that free what others allocated.
 *
 * Objects know their size and what they contain; they travel through a table.
 * One thread checks the pool, asks for statistics and trims meanwhile.
 */
#include "stress/stress.h"

#include "mempool/var.h"

enum { WORKERS = 4 };

static mempool_var_t *pool;
static double end;
static unsigned long calls;

static void check_and_free(void *p)
{
	struct header *h = p;
	unsigned char *rest = (unsigned char *)(h + 1);

	if (!p)
		return;
	MUST(h->seal == seal_of(h, h->size));
	MUST(mempool_var_usable_size(pool, p) >= h->size);
	for (size_t i = 0; i < h->size - sizeof(*h); i += 61)
		MUST(rest[i] == (unsigned char)h->seal);
	memset(h, 0xdd, sizeof(*h));
	mempool_var_free(pool, h);
}

static void *make_one(uint64_t *state)
{
	size_t size = sizeof(struct header) +
		      below(state, 1 << (4 + below(state, 13)));
	struct header *h = mempool_var_alloc(pool, size);

	if (!h)
		return NULL;
	h->size = (uint32_t)size;
	h->seal = seal_of(h, size);
	memset(h + 1, (unsigned char)h->seal, size - sizeof(*h));
	return h;
}

static void *work(void *seed)
{
	uint64_t state = (uintptr_t)seed | 1;
	unsigned long n = 0;

	while (++n % 256 || seconds() < end)
		check_and_free(swap(below(&state, SLOTS), make_one(&state)));
	__atomic_fetch_add(&calls, n, __ATOMIC_RELAXED);
	return NULL;
}

static void run(enum mempool_threading form, size_t limit, double until)
{
	struct mempool_options o = { .threading = form, .limit = limit };
	pthread_t workers[WORKERS];
	struct mempool_stats s;
	uint64_t state = 42;

	end = until;
	pool = mempool_var_create(&o);
	MUST(pool);
	for (int i = 0; i < WORKERS; i++)
		MUST(!pthread_create(&workers[i], NULL, work,
				     (void *)(uintptr_t)chance(&state)));
	while (seconds() < end) {
		struct timespec pause = { 0, 10 * 1000000 };

		mempool_var_check(pool);
		mempool_var_stats(pool, &s);
		mempool_var_trim(pool);
		nanosleep(&pause, NULL);
	}
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	for (size_t i = 0; i < SLOTS; i++)
		check_and_free(swap(i, NULL));
	mempool_var_check(pool);
	mempool_var_trim(pool);
	mempool_var_stats(pool, &s);
	MUST(s.live == 0 && s.live_bytes == 0 && s.stock == 0);
	mempool_var_destroy(pool);
}

int main(void)
{
	double start = seconds(), part = (deadline() - start) / 4;

	run(MEMPOOL_LOCKED, 0, start + part);
	run(MEMPOOL_THREAD_LOCAL, 0, start + 2 * part);
	run(MEMPOOL_LOCKED, 8 << 20, start + 3 * part);
	run(MEMPOOL_THREAD_LOCAL, 2 << 20, start + 4 * part);
	printf("var: %lu calls\n", calls);
	return 0;
}
