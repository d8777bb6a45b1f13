/* SPDX-License-Identifier: MIT */
/*
 * pair.c - one object at a time: allocated, written, freed.
 *
 * The shortest way through an allocator, and the one that depends most on the
 * processor: each call waits on what the call before has stored.
 * An operation is one allocation and its free.
 */
#include "bench.h"

static void pair(const struct bench_case *c)
{
	uint64_t count = bench_count(c->count);
	uint64_t start = bench_now_ns();

	for (uint64_t i = 0; i < count; i++) {
		void *p = malloc(c->size);

		bench_touch(p);
		free(p);
	}
	bench_time(c, start, count);
}

static void pair_calloc(const struct bench_case *c)
{
	uint64_t count = bench_count(c->count);
	uint64_t start = bench_now_ns();

	for (uint64_t i = 0; i < count; i++) {
		void *p = calloc(1, c->size);

		bench_touch(p);
		free(p);
	}
	bench_time(c, start, count);
}

/*
 * Sizes in turn, so that no two calls in a row are of one class; up to a power
 * of two, for a division would take as long as the pair.
 */
static void pair_sizes(const struct bench_case *c)
{
	uint64_t count = bench_count(c->count);
	uint64_t start = bench_now_ns();

	for (uint64_t i = 0; i < count; i++) {
		void *p = malloc(1 + (i * 17 & (c->size - 1)));

		bench_touch(p);
		free(p);
	}
	bench_time(c, start, count);
}

static const struct bench_case cases[] = {
	{ "small", "pair_16", pair, 16, 0, 20000000, 0 },
	{ "small", "pair_64", pair, 64, 0, 20000000, 0 },
	{ "small", "pair_128", pair, 128, 0, 20000000, 0 },
	{ "small", "pair_1..128", pair_sizes, 128, 0, 20000000, 0 },
	{ "small", "pair_calloc_64", pair_calloc, 64, 0, 15000000, 0 },
	{ "large", "pair_512", pair, 512, 0, 15000000, 0 },
};

BENCH_MAIN(cases)
