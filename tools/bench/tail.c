/* SPDX-License-Identifier: MIT */
/*
 * tail.c - how long the slowest calls of malloc(64) take, while a program
 * grows to two million live objects.
 *
 * tail_malloc times malloc alone; tail_write times malloc and the first write
 * to the object, where an allocator that leaves the page fault to the program
 * pays for it.  The clock's own time is taken off.  Values above a millisecond
 * count as one millisecond.
 */
#include "bench.h"

#define BINS (1u << 20) /* one for each nanosecond */

/* Time in ticks of a clock that is cheap to read and ordered. */
static inline uint64_t ticks(void)
{
#if defined(__x86_64__)
	uint64_t t;

	__builtin_ia32_lfence();
	t = __builtin_ia32_rdtsc();
	__builtin_ia32_lfence();
	return t;
#else
	return bench_now_ns();
#endif
}

static uint64_t ticks_of_the_clock(void)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < 10000; i++) {
		uint64_t start = ticks();
		uint64_t took = ticks() - start;

		if (took < least)
			least = took;
	}
	return least;
}

static double ns_of_a_tick(void)
{
	uint64_t start_ns = bench_now_ns();
	uint64_t start = ticks();

	while (bench_now_ns() - start_ns < 20000000)
		;
	return (double)(bench_now_ns() - start_ns) / (double)(ticks() - start);
}

/* The least value that at least `share` of the `count` values do not exceed. */
static double quantile(const uint32_t *bins, uint64_t count, double share)
{
	double wanted = share * (double)count;
	uint64_t seen = 0;

	for (uint32_t ns = 0; ns < BINS; ns++) {
		seen += bins[ns];
		if ((double)seen >= wanted)
			return ns ? ns : 1;
	}
	return BINS;
}

static void tail(const struct bench_case *c, int write)
{
	uint64_t count = bench_count(c->count);
	uint32_t *bins = bench_map(BINS * sizeof(*bins));
	double tick_ns = ns_of_a_tick();
	uint64_t clock = ticks_of_the_clock();

	for (uint64_t i = 0; i < count; i++) {
		uint64_t start = ticks();
		void *p = malloc(c->size);
		uint64_t took;
		double ns;

		if (write)
			bench_touch(p);
		took = ticks() - start;
		bench_touch(p);
		ns = took > clock ? (double)(took - clock) * tick_ns : 0;
		bins[ns < BINS ? (uint32_t)ns : BINS - 1]++;
	}
	bench_row(c->group, c, ".p50", "ns", quantile(bins, count, 0.5));
	bench_row(c->group, c, ".p99", "ns", quantile(bins, count, 0.99));
	bench_row(c->group, c, ".p99.9", "ns", quantile(bins, count, 0.999));
	bench_row(c->group, c, ".p99.99", "ns", quantile(bins, count, 0.9999));
}

static void tail_malloc(const struct bench_case *c)
{
	tail(c, 0);
}

static void tail_write(const struct bench_case *c)
{
	tail(c, 1);
}

static const struct bench_case cases[] = {
	{ "tail", "tail_malloc", tail_malloc, 64, 0, 2000000, 0 },
	{ "tail", "tail_write", tail_write, 64, 0, 2000000, 0 },
};

BENCH_MAIN(cases)
