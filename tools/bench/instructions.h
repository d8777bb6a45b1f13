/* SPDX-License-Identifier: MIT */
/*
 * instructions.h - the rows that instructions.c counts.
 *
 * Each warms the allocator up, then executes a breakpoint, the loop that is
 * counted, and a breakpoint.  The shape of the loops is part of what is
 * counted: a change here changes every figure.  That is also why the number
 * of rounds is not a constant to the compiler.
 */
#ifndef INSTRUCTIONS_H
#define INSTRUCTIONS_H

#include <malloc.h>
#include "bench.h"

#define BREAKPOINT() __asm__ volatile("int3" ::: "memory")

/* No instruction; keeps the compiler from replacing `i` by pointers. */
#define OPAQUE(i) __asm__ volatile("" : "+r"(i))

#define PAIRS	254 /* twice a magazine: with its share of slow paths */
#define BATCH	1000
#define LIVE	10000
#define SMALL	128
#define RESIZES 64
#define TWENTY	20

struct row {
	const char *name;
	void (*run)(size_t size, int count);
	size_t size;
	int operations;
	int without_loop; /* the row "empty" is taken off */
};

static void *objects[LIVE];
static int victims[BATCH];
static size_t sizes[BATCH];

__attribute__((noinline)) static void *empty_malloc(size_t size)
{
	__asm__ volatile("" : : "r"(size) : "memory");
	return (void *)size;
}

__attribute__((noinline)) static void empty_free(void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

static void empty(size_t size, int count)
{
	BREAKPOINT();
	for (int i = 0; i < count; i++)
		empty_free(empty_malloc(size));
	BREAKPOINT();
}

static void pair(size_t size, int count)
{
	for (int i = 0; i < 3000; i++) {
		void *p = malloc(size);

		bench_touch(p);
		free(p);
	}
	BREAKPOINT();
	for (int i = 0; i < count; i++)
		free(malloc(size));
	BREAKPOINT();
}

static void calloc_pair(size_t size, int count)
{
	for (int i = 0; i < 1000; i++)
		free(calloc(1, size));
	BREAKPOINT();
	for (int i = 0; i < count; i++)
		free(calloc(1, size));
	BREAKPOINT();
}

static void warm_up_batch(size_t size)
{
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < BATCH; i++)
			objects[i] = malloc(size);
		for (int i = 0; i < BATCH; i++)
			free(objects[i]);
	}
}

static void batch_malloc(size_t size, int count)
{
	warm_up_batch(size);
	BREAKPOINT();
	for (int i = 0; i < count; i++)
		objects[i] = malloc(size);
	BREAKPOINT();
}

static void batch_free(size_t size, int count)
{
	warm_up_batch(size);
	for (int i = 0; i < BATCH; i++)
		objects[i] = malloc(size);
	BREAKPOINT();
	for (int i = 0; i < count; i++)
		free(objects[i]);
	BREAKPOINT();
}

static inline void replace_live(uint64_t *seed, int count)
{
	for (int i = 0; i < count; i++) {
		uint32_t victim = bench_below(seed, LIVE);

		free(objects[victim]);
		objects[victim] = malloc(1 + bench_below(seed, SMALL));
	}
}

/* 10k live objects of 1..128 bytes, replaced at random. */
static uint64_t warm_up_live(void)
{
	uint64_t seed = 0x1234567;

	for (int i = 0; i < LIVE; i++)
		objects[i] = malloc(1 + bench_below(&seed, SMALL));
	replace_live(&seed, 20 * LIVE);
	return seed;
}

static void choose_victims(uint64_t seed)
{
	for (int i = 0; i < BATCH; i++) {
		victims[i] = (i * 5 + 1) % LIVE;
		sizes[i] = 1 + bench_below(&seed, SMALL);
	}
}

static void live_replace(size_t size, int count)
{
	uint64_t seed = warm_up_live();

	(void)size;
	BREAKPOINT();
	replace_live(&seed, count);
	BREAKPOINT();
}

static void live_free(size_t size, int count)
{
	(void)size;
	choose_victims(warm_up_live());
	BREAKPOINT();
	for (int i = 0; i < count; i++)
		free(objects[victims[i]]);
	BREAKPOINT();
}

static void live_malloc(size_t size, int count)
{
	(void)size;
	choose_victims(warm_up_live());
	for (int i = 0; i < BATCH; i++)
		free(objects[victims[i]]);
	BREAKPOINT();
	for (size_t i = 0; i < (size_t)count; i++) {
		objects[victims[i]] = malloc(sizes[i]);
		OPAQUE(i);
	}
	BREAKPOINT();
}

static void realloc_same(size_t size, int count)
{
	void *p = malloc(100);

	(void)size;
	for (int i = 0; i < 100; i++)
		p = realloc(p, 97 + (i & 7));
	BREAKPOINT();
	for (int i = 0; i < count; i++)
		p = realloc(p, 97 + (i & 7));
	BREAKPOINT();
}

static void realloc_grow(size_t size, int count)
{
	(void)size;
	for (int i = 0; i < 500; i++) {
		void *p = malloc(16);

		for (size_t n = 32; n <= SMALL; n += 32)
			p = realloc(p, n);
		free(p);
	}
	BREAKPOINT();
	for (int i = 0; i < count; i++) {
		void *p = malloc(16);

		for (size_t n = 32; n <= SMALL; n += 32)
			p = realloc(p, n);
		free(p);
	}
	BREAKPOINT();
}

static void usable_size(size_t size, int count)
{
	void *p = malloc(100);
	size_t sum = malloc_usable_size(p);

	(void)size;
	BREAKPOINT();
	for (int i = 0; i < count; i++)
		sum += malloc_usable_size(p);
	BREAKPOINT();
	sizes[0] = sum;
}

static void free_null(size_t size, int count)
{
	(void)size;
	free(NULL);
	BREAKPOINT();
	for (int i = 0; i < count; i++)
		free(NULL);
	BREAKPOINT();
}

static const struct row rows[] = {
	{ "empty", empty, 16, PAIRS, 0 },
	{ "pair16", pair, 16, PAIRS, 1 },
	{ "pair64", pair, 64, PAIRS, 1 },
	{ "pair128", pair, 128, PAIRS, 1 },
	{ "pair512", pair, 512, PAIRS, 1 },
	{ "pair4096", pair, 4096, PAIRS, 1 },
	{ "batch_malloc64", batch_malloc, 64, BATCH, 0 },
	{ "batch_free64", batch_free, 64, BATCH, 0 },
	{ "live10k_malloc", live_malloc, 128, BATCH, 0 },
	{ "live10k_free", live_free, 128, BATCH, 0 },
	{ "live10k_pair_incl_rand", live_replace, 128, BATCH, 0 },
	{ "calloc64_pair", calloc_pair, 64, PAIRS, 1 },
	{ "realloc_same", realloc_same, 100, RESIZES, 0 },
	{ "realloc_grow16_128_pair", realloc_grow, 128, TWENTY, 0 },
	{ "usable_size", usable_size, 100, TWENTY, 0 },
	{ "free_null", free_null, 0, TWENTY, 0 },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

#endif
