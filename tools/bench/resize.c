/* SPDX-License-Identifier: MIT */
/*
 * resize.c - realloc: within a class, through the classes, across 128 bytes.
 *
 * grow: an object starts small, grows step by step, and is freed; an operation
 * is one such life.  same: an operation is one realloc that changes nothing.
 */
#include "bench.h"

static void *resize(void *old, size_t size)
{
	void *p = realloc(old, size);

	if (!p)
		abort();
	bench_touch(p);
	return p;
}

static void same(const struct bench_case *c)
{
	uint64_t count = bench_count(c->count);
	void *p = malloc(c->size);
	uint64_t start = bench_now_ns();

	for (uint64_t i = 0; i < count; i++)
		p = resize(p, c->size - (i & 7));
	bench_time(c, start, count);
	free(p);
}

/* From 16 bytes to c->size in steps of 32, as a buffer of tokens grows. */
static void grow_in_steps(const struct bench_case *c)
{
	uint64_t count = bench_count(c->count);
	uint64_t start = bench_now_ns();

	for (uint64_t i = 0; i < count; i++) {
		void *p = malloc(16);

		for (size_t size = 32; size <= c->size; size += 32)
			p = resize(p, size);
		free(p);
	}
	bench_time(c, start, count);
}

/* From 8 bytes to c->size, doubling, as a vector or a string does. */
static void grow_by_doubling(const struct bench_case *c)
{
	uint64_t count = bench_count(c->count);
	uint64_t start = bench_now_ns();

	for (uint64_t i = 0; i < count; i++) {
		void *p = malloc(8);

		for (size_t size = 16; size <= c->size; size *= 2)
			p = resize(p, size);
		free(p);
	}
	bench_time(c, start, count);
}

static const struct bench_case cases[] = {
	{ "small", "realloc_same_104", same, 104, 0, 15000000, 0 },
	{ "small", "realloc_grow_16..128", grow_in_steps, 128, 0, 2000000, 0 },
	{ "border", "realloc_grow_8..1024", grow_by_doubling, 1024, 0, 1200000,
	  0 },
};

BENCH_MAIN(cases)
