/* SPDX-License-Identifier: MIT */
/*
 * giveback.c - everything is allocated, then everything is freed.
 *
 * free_1gib: a gibibyte of small objects; what it takes at its peak, and what
 * the process still holds afterwards.  The program goes on for two seconds
 * before that is read, for some allocators give memory back by time.
 * fill_free: the time of it, with 2M objects; an operation is one object.
 */
#include "bench.h"

/*
 * A bijection of 0..2^bits-1 that looks random: freeing in its order needs no
 * shuffled array.
 */
static uint32_t scatter(uint32_t i, unsigned bits)
{
	uint32_t mask = (1u << bits) - 1;

	for (unsigned round = 0; round < 3; round++) {
		i = i * 0x9e3779b1u & mask;
		i ^= i >> (bits / 2);
	}
	return i;
}

/* A program with little to do. */
static void go_on(void)
{
	const struct timespec nap = { 0, 100000000 };
	void *few[1000];

	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < 1000; i++)
			bench_touch(few[i] = malloc(64));
		for (size_t i = 0; i < 1000; i++)
			free(few[i]);
		nanosleep(&nap, NULL);
	}
}

/*
 * 2^c->live objects of c->size bytes, or of 1..128 when c->size is 0.
 * c->count says whether the time is asked for, or memory.
 */
static void giveback(const struct bench_case *c, int random_order)
{
	unsigned bits = (unsigned)c->live;
	size_t count;
	void **objects;
	uint64_t seed = 0x1234567;
	double peak;
	uint64_t start;
	double ns;

	while (bench_count(1u << c->live) < 1u << bits)
		bits--;
	count = (size_t)1 << bits;
	objects = bench_map(count * sizeof(*objects));
	start = bench_now_ns();
	for (size_t i = 0; i < count; i++) {
		size_t size = c->size ? c->size
				      : bench_small_size(bench_random(&seed));

		objects[i] = malloc(size);
		bench_touch(objects[i]);
	}
	peak = bench_rss_mib();
	for (size_t i = 0; i < count; i++)
		free(objects[random_order ? scatter((uint32_t)i, bits) : i]);
	ns = (double)(bench_now_ns() - start) / (double)count;
	if (c->count) {
		bench_row(c->group, c, "", "ns", ns);
	} else {
		bench_row(c->group, c, ".peak", "MiB", peak);
		go_on();
		bench_row(c->group, c, ".final", "MiB", bench_rss_mib());
	}
}

static void in_order(const struct bench_case *c)
{
	giveback(c, 0);
}

static void in_random_order(const struct bench_case *c)
{
	giveback(c, 1);
}

static const struct bench_case cases[] = {
	{ "small", "fill_free_2m_fifo", in_order, 0, 21, 1, 0 },
	{ "small", "fill_free_2m_random", in_random_order, 0, 21, 1, 0 },
	{ "memory", "free_1gib_128_fifo", in_order, 128, 23, 0, 2 },
	{ "memory", "free_1gib_128_random", in_random_order, 128, 23, 0, 1 },
	{ "memory", "free_1gib_1..128_fifo", in_order, 0, 24, 0, 2 },
	{ "memory", "free_1gib_1..128_random", in_random_order, 0, 24, 0, 1 },
};

BENCH_MAIN(cases)
