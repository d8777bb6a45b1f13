/* SPDX-License-Identifier: MIT */
/*
 * replace.c - one random object of a live set is freed and allocated anew.
 *
 * How a program in its steady state looks to its allocator.  The size of the
 * set decides which cache it falls out of.  The set is filled before the
 * clock starts.  An operation is one free and one allocation.
 */
#include "bench.h"

/* Sizes run from `low` to c->size. */
static void replace(const struct bench_case *c, size_t low)
{
	uint32_t live = (uint32_t)c->live;
	uint32_t span = (uint32_t)(c->size - low + 1);
	void **objects = bench_map(live * sizeof(*objects));
	uint64_t count = bench_count(c->count);
	uint64_t seed = 0x1234567;
	uint64_t start;

	for (uint32_t i = 0; i < live; i++) {
		objects[i] = malloc(low + bench_below(&seed, span));
		bench_touch(objects[i]);
	}
	start = bench_now_ns();
	for (uint64_t i = 0; i < count; i++) {
		uint64_t r = bench_random(&seed);
		uint32_t victim = bench_scale(r, live);

		free(objects[victim]);
		objects[victim] = malloc(low + bench_scale(r << 32, span));
		bench_touch(objects[victim]);
	}
	bench_time(c, start, count);
	if (c->live >= 100000)
		bench_row("memory", c, ".peak", "MiB", bench_peak_mib());
}

static void replace_from_1(const struct bench_case *c)
{
	replace(c, 1);
}

static void replace_from_129(const struct bench_case *c)
{
	replace(c, 129);
}

static const struct bench_case cases[] = {
	{ "small", "replace_1k", replace_from_1, 128, 1000, 8000000, 0 },
	{ "small", "replace_100k", replace_from_1, 128, 100000, 4000000, 0 },
	{ "small", "replace_3m", replace_from_1, 128, 3000000, 2000000, 0 },
	{ "border", "replace_10k_1..1024", replace_from_1, 1024, 10000, 3000000,
	  0 },
	{ "large", "replace_10k_129..4096", replace_from_129, 4096, 10000,
	  2000000, 0 },
};

BENCH_MAIN(cases)
