/* SPDX-License-Identifier: MIT */
/*
 * batch.c - a thousand objects allocated, then all of them freed.
 *
 * The order of the frees is that of the allocations (fifo), its reverse
 * (lifo) or a random one.  An operation is one allocation and its free.
 */
#include "bench.h"

#define BATCH 1000

static void *objects[BATCH];
static uint16_t order[BATCH];
static uint16_t sizes[BATCH];

static void shuffle_order(void)
{
	for (unsigned i = 0; i < BATCH; i++)
		order[i] = (uint16_t)i;
	bench_shuffle(order, BATCH);
}

static void allocate(size_t size)
{
	for (unsigned i = 0; i < BATCH; i++) {
		objects[i] = malloc(size);
		bench_touch(objects[i]);
	}
}

static void fifo(const struct bench_case *c)
{
	uint64_t rounds = bench_count(c->count);
	uint64_t start = bench_now_ns();

	for (uint64_t r = 0; r < rounds; r++) {
		allocate(c->size);
		for (unsigned i = 0; i < BATCH; i++)
			free(objects[i]);
	}
	bench_time(c, start, rounds * BATCH);
}

static void lifo(const struct bench_case *c)
{
	uint64_t rounds = bench_count(c->count);
	uint64_t start = bench_now_ns();

	for (uint64_t r = 0; r < rounds; r++) {
		allocate(c->size);
		for (unsigned i = BATCH; i--;)
			free(objects[i]);
	}
	bench_time(c, start, rounds * BATCH);
}

static void random_order(const struct bench_case *c)
{
	uint64_t rounds = bench_count(c->count);
	uint64_t start;

	shuffle_order();
	start = bench_now_ns();
	for (uint64_t r = 0; r < rounds; r++) {
		allocate(c->size);
		for (unsigned i = 0; i < BATCH; i++)
			free(objects[order[i]]);
	}
	bench_time(c, start, rounds * BATCH);
}

/* Random sizes from c->live to c->size, freed in random order. */
static void random_sizes(const struct bench_case *c)
{
	uint64_t rounds = bench_count(c->count);
	uint64_t seed = 0x5eed;
	uint64_t start;

	shuffle_order();
	for (unsigned i = 0; i < BATCH; i++)
		sizes[i] =
			(uint16_t)(c->live +
				   bench_below(&seed, (uint32_t)(c->size -
								 c->live + 1)));
	start = bench_now_ns();
	for (uint64_t r = 0; r < rounds; r++) {
		for (unsigned i = 0; i < BATCH; i++) {
			objects[i] = malloc(sizes[i]);
			bench_touch(objects[i]);
		}
		for (unsigned i = 0; i < BATCH; i++)
			free(objects[order[i]]);
	}
	bench_time(c, start, rounds * BATCH);
}

static const struct bench_case cases[] = {
	{ "small", "batch_lifo_64", lifo, 64, 0, 10000, 0 },
	{ "small", "batch_fifo_64", fifo, 64, 0, 10000, 0 },
	{ "small", "batch_random_64", random_order, 64, 0, 10000, 0 },
	{ "small", "batch_random_1..128", random_sizes, 128, 1, 8000, 0 },
	{ "large", "batch_random_129..4096", random_sizes, 4096, 129, 3000, 0 },
};

BENCH_MAIN(cases)
