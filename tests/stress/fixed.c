/* SPDX-License-Identifier: MIT */
/*
 * fixed.c - pools of one size under threads: producers and consumers for long,
 * short threads in great number, random use; and the memory stays flat.
 *
 * STRESS_SECONDS are shared by the parts.
 */
#include "stress/stress.h"

#include <sched.h>

#include "mempool/fixed.h"

enum { RING = 4096, PARTS = 3, WORKERS = 4, LIVE = 3000, BATCH = 1500 };
/* A full ring is 256 KiB, and blocks are as large. */
enum { HELD_MOST = 1 << 20 };

static mempool_fixed_t *pool;
static double end;
static bool over;
static void *ring[RING];
static size_t produced, consumed;
static unsigned long calls, handed;

static bool is_over(void)
{
	return __atomic_load_n(&over, __ATOMIC_RELAXED);
}

static mempool_fixed_t *create(enum mempool_threading form)
{
	struct mempool_options o = { .name = "stress", .threading = form };

	pool = mempool_fixed_create(64, &o);
	MUST(pool);
	return pool;
}

static struct mempool_stats stats(void)
{
	struct mempool_stats s;

	mempool_fixed_stats(pool, &s);
	return s;
}

/* Nobody else is in the pool. */
static void destroy_empty(void)
{
	mempool_fixed_check(pool);
	MUST(stats().live == 0);
	mempool_fixed_trim(pool);
	MUST(stats().stock == 0);
	mempool_fixed_destroy(pool);
}

/* --- from one thread to another --- */

static void *produce(void *unused)
{
	(void)unused;
	for (size_t i = 0; !is_over(); i++) {
		size_t *p;

		while (i - __atomic_load_n(&consumed, __ATOMIC_ACQUIRE) == RING)
			sched_yield();
		p = mempool_fixed_alloc(pool);
		MUST(p);
		*p = i;
		ring[i % RING] = p;
		__atomic_store_n(&produced, i + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* What was produced until now. */
static void consume(void)
{
	size_t i = consumed,
	       most = __atomic_load_n(&produced, __ATOMIC_ACQUIRE);

	for (; i < most; i++) {
		MUST(*(size_t *)ring[i % RING] == i);
		mempool_fixed_free(pool, ring[i % RING]);
		__atomic_store_n(&consumed, i + 1, __ATOMIC_RELEASE);
	}
}

static void hand_over(enum mempool_threading form, double until)
{
	pthread_t producer;

	create(form);
	over = false;
	produced = consumed = 0;
	MUST(!pthread_create(&producer, NULL, produce, NULL));
	while (seconds() < until) {
		consume();
		sched_yield();
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	consume();
	pthread_join(producer, NULL);
	consume();
	MUST(stats().held_bytes <= HELD_MOST);
	handed += consumed;
	destroy_empty();
}

/* --- threads that end --- */

static void *live_shortly(void *other)
{
	void *p = mempool_fixed_alloc(pool);

	MUST(p);
	mempool_fixed_free(pool, other);
	return p;
}

static unsigned long come_and_go(double until)
{
	unsigned long threads = 0;
	uint64_t held = 0;
	void *p = NULL;

	create(MEMPOOL_THREAD_LOCAL);
	while (seconds() < until) {
		pthread_t thread;

		MUST(!pthread_create(&thread, NULL, live_shortly, p));
		pthread_join(thread, &p);
		if (++threads == 100)
			held = stats().held_bytes;
	}
	MUST(threads < 100 || stats().held_bytes == held);
	mempool_fixed_free(pool, p);
	destroy_empty();
	return threads;
}

/* --- random use --- */

static void use_batch(uint64_t *state, uintptr_t seed)
{
	size_t n = below(state, BATCH);
	void *batch[BATCH];

	MUST(!mempool_fixed_alloc_bulk(pool, batch, n));
	for (size_t i = 0; i < n; i++)
		*(uintptr_t *)batch[i] = (uintptr_t)batch[i] + seed;
	for (size_t i = 0; i < n; i++)
		MUST(*(uintptr_t *)batch[i] == (uintptr_t)batch[i] + seed);
	mempool_fixed_free_bulk(pool, batch, n);
}

static void *use(void *seed)
{
	uint64_t state = (uintptr_t)seed | 1;
	static __thread size_t *mine[LIVE];
	unsigned long n = 0;

	for (; !is_over(); n++) {
		size_t i = below(&state, LIVE);

		if (mine[i]) {
			MUST(*mine[i] == (uintptr_t)mine[i] + (uintptr_t)seed);
			*mine[i] = 0;
			mempool_fixed_free(pool, mine[i]);
			mine[i] = NULL;
		} else {
			mine[i] = mempool_fixed_alloc(pool);
			MUST(mine[i]);
			*mine[i] = (uintptr_t)mine[i] + (uintptr_t)seed;
		}
		if (below(&state, 1000) == 0)
			use_batch(&state, (uintptr_t)seed);
		if (below(&state, 100000) == 0)
			mempool_fixed_trim(pool);
	}
	for (size_t i = 0; i < LIVE; i++)
		mempool_fixed_free(pool, mine[i]);
	__atomic_fetch_add(&calls, n, __ATOMIC_RELAXED);
	return NULL;
}

static void use_at_random(enum mempool_threading form, double until)
{
	pthread_t workers[WORKERS];
	uint64_t state = 42;

	create(form);
	over = false;
	for (int i = 0; i < WORKERS; i++)
		MUST(!pthread_create(&workers[i], NULL, use,
				     (void *)(uintptr_t)chance(&state)));
	while (seconds() < until) {
		struct timespec pause = { 0, 5 * 1000000 };

		mempool_fixed_check(pool);
		stats();
		nanosleep(&pause, NULL);
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	destroy_empty();
}

int main(void)
{
	double start = seconds(), part;
	unsigned long threads;

	end = deadline();
	part = (end - start) / (2 * PARTS - 1);
	hand_over(MEMPOOL_THREAD_LOCAL, start + part);
	hand_over(MEMPOOL_LOCKED, start + 2 * part);
	use_at_random(MEMPOOL_THREAD_LOCAL, start + 3 * part);
	use_at_random(MEMPOOL_LOCKED, start + 4 * part);
	threads = come_and_go(end);
	printf("fixed: %lu objects from thread to thread, %lu random calls, "
	       "%lu short threads\n",
	       handed, calls, threads);
	return 0;
}
