/* SPDX-License-Identifier: MIT */
/*
 * pages.c - threads against two page sources, one of them the process's.
 *
 * Blocks of all orders are handed on through a table, freed by whoever finds
 * them, and know what must be in their first and last bytes; regions come and
 * go over the same sources; one thread trims, and now and then the process
 * forks.  Where memory is refused, nothing may be lost.  At the end each chunk
 * is one free block.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mempool/pages.h"
#include "mempool/region.h"
#include "stress/must.h"
#include "unit/source.h"
#include "unit/sources.h"

/* ThreadSanitizer does not like forks of many threads. */
#ifdef __SANITIZE_THREAD__
enum { FORKS = 0 };
#else
enum { FORKS = 1 };
#endif

enum { WORKERS = 4, SLOTS = 512, SECONDS = 3, HANG_SECONDS = 60 };

/* Begins a block; its last word repeats the seal. */
struct block {
	mempool_pages_t *from;
	unsigned order;
	uintptr_t seal;
};

static struct block *slots[SLOTS];
static mempool_pages_t *own;
static bool over;
static unsigned long blocks, regions, failures, forks;

static bool is_over(void)
{
	return __atomic_load_n(&over, __ATOMIC_RELAXED);
}

static uintptr_t *last_word(struct block *b)
{
	return (uintptr_t *)((char *)b + mempool_pages_size(b->order)) - 1;
}

static struct block *make(uint64_t *state)
{
	unsigned order = (unsigned)(below(state, 4) * below(state, 4));
	mempool_pages_t *from = below(state, 2) ? own : NULL;
	struct block *b = mempool_pages_alloc(from, order);

	__atomic_add_fetch(b ? &blocks : &failures, 1, __ATOMIC_RELAXED);
	if (!b)
		return NULL;
	MUST((uintptr_t)b % mempool_pages_size(order) == 0);
	b->from = from;
	b->order = order;
	b->seal = (uintptr_t)b ^ order;
	*last_word(b) = b->seal;
	return b;
}

static void unmake(struct block *b)
{
	if (!b)
		return;
	MUST(b->seal == ((uintptr_t)b ^ b->order));
	MUST(*last_word(b) == b->seal);
	b->seal = 0;
	mempool_pages_free(b->from, b, b->order);
}

static void serve(uint64_t *state)
{
	struct mempool_options o = { .pages = below(state, 2) ? own : NULL };
	mempool_region_t *r = mempool_region_create(&o);

	if (!r)
		return;
	for (unsigned i = 0, n = (unsigned)below(state, 300); i < n; i++) {
		size_t size = 1 + below(state, i % 40 ? 400 : 60000);
		char *p = mempool_region_alloc(r, size);

		if (p)
			p[0] = p[size - 1] = 1;
		if (below(state, 100) == 0)
			mempool_region_reset(r);
	}
	mempool_region_check(r);
	mempool_region_destroy(r);
	__atomic_add_fetch(&regions, 1, __ATOMIC_RELAXED);
}

static void *work(void *seed)
{
	uint64_t state = (uintptr_t)seed;

	while (!is_over()) {
		struct block *b = below(&state, 2) ? make(&state) : NULL;

		unmake(__atomic_exchange_n(&slots[below(&state, SLOTS)], b,
					   __ATOMIC_ACQ_REL));
		if (below(&state, 64) == 0)
			serve(&state);
	}
	return NULL;
}

static void fork_once(void)
{
	int status;
	pid_t child = fork();

	if (!child) {
		alarm(60);
		source_allow();
		mempool_pages_check(NULL);
		mempool_pages_check(own);
		mempool_pages_free(own, mempool_pages_alloc(own, 1), 1);
		_exit(0);
	}
	if (child < 0)
		return;
	MUST(waitpid(child, &status, 0) == child);
	MUST(status == 0);
	forks++;
}

/* Trims, checks, and refuses memory for a while. */
static void *disturb(void *unused)
{
	struct timespec pause = { 0, 3000000 };
	uint64_t state = 11;

	(void)unused;
	while (!is_over()) {
		nanosleep(&pause, NULL);
		mempool_pages_trim(below(&state, 2) ? own : NULL);
		mempool_pages_check(below(&state, 2) ? own : NULL);
		if (below(&state, 4) == 0)
			source_refuse_calls(1 + (long)below(&state, 5), 6);
		if (FORKS && below(&state, 16) == 0)
			fork_once();
	}
	return NULL;
}

static void must_be_empty(mempool_pages_t *pages, const char *name)
{
	struct mempool_stats s;

	mempool_pages_check(pages);
	mempool_pages_trim(pages);
	mempool_pages_check(pages);
	s = stats_of(name);
	MUST(s.live == 0 && s.live_bytes == 0);
	MUST(s.held_bytes == s.overhead_bytes);
}

int main(void)
{
	const char *asked = getenv("STRESS_SECONDS");
	unsigned run = asked ? (unsigned)atoi(asked) : SECONDS;
	struct mempool_options o = { .name = "own", .limit = 256u << 20 };
	pthread_t workers[WORKERS], disturber;

	alarm(run + HANG_SECONDS);
	own = mempool_pages_create(&o);
	MUST(own);
	MUST(!pthread_create(&disturber, NULL, disturb, NULL));
	for (uintptr_t i = 0; i < WORKERS; i++)
		MUST(!pthread_create(&workers[i], NULL, work,
				     (void *)(4711 + i)));
	sleep(run);
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	pthread_join(disturber, NULL);
	source_allow();
	for (int i = 0; i < SLOTS; i++)
		unmake(slots[i]);
	must_be_empty(own, "own");
	must_be_empty(NULL, "pages");
	mempool_pages_destroy(own);
	printf("pages: %lu blocks, %lu regions, %lu forks, %lu failures\n",
	       blocks, regions, forks, failures);
	return 0;
}
