/* SPDX-License-Identifier: MIT */
/*
 * crowd.c - rows that 64 cores would run: what their locks cost, ./locks tells.
 *
 * batch_N: each of N threads allocates a thousand objects and frees them.
 * larson_N: each of N threads replaces random ones of its 5000 objects of
 * 8..128 bytes, then leaves them to the thread that takes its place (Larson
 * and Krishnan, ISMM 1998).  Time is that of the wall clock divided by the
 * operations of all threads.
 */
#include "bench.h"

enum { THREADS_MOST = 64, BATCH = 1000, LIVE = 5000, LIVES = 10 };

static struct bench_worker workers[THREADS_MOST];
static size_t batch_size; /* 0: random */

static void *batches(void *arg)
{
	struct bench_worker *w = arg;

	for (uint64_t done = 0; done < w->count; done += BATCH) {
		for (unsigned i = 0; i < BATCH; i++) {
			size_t size = batch_size;

			if (!size)
				size = bench_small_size(bench_random(&w->seed));
			w->objects[i] = malloc(size);
			bench_touch(w->objects[i]);
		}
		for (unsigned i = 0; i < BATCH; i++)
			free(w->objects[i]);
	}
	return NULL;
}

static void *make(struct bench_worker *w)
{
	void *p = malloc(8 + bench_below(&w->seed, 121));

	bench_touch(p);
	return p;
}

static void *one_life(void *arg)
{
	struct bench_worker *w = arg;

	for (uint64_t i = 0; i < w->count; i++) {
		uint32_t victim = bench_below(&w->seed, LIVE);

		free(w->objects[victim]);
		w->objects[victim] = make(w);
	}
	return NULL;
}

static void batch(const struct bench_case *c)
{
	uint64_t count = bench_count(c->count) / c->live / BATCH * BATCH;
	uint64_t start = bench_now_ns();

	batch_size = c->size;
	bench_prepare(workers, c->live, BATCH, count);
	bench_run(workers, c->live, batches);
	bench_time(c, start, count * c->live);
}

static void larson(const struct bench_case *c)
{
	uint64_t count = bench_count(c->count) / c->live / LIVES;
	uint64_t start;

	bench_prepare(workers, c->live, LIVE, count);
	for (size_t t = 0; t < c->live; t++)
		for (unsigned i = 0; i < LIVE; i++)
			workers[t].objects[i] = make(&workers[t]);
	start = bench_now_ns();
	for (unsigned life = 0; life < LIVES; life++)
		bench_run(workers, c->live, one_life);
	bench_time(c, start, count * c->live * LIVES);
}

static const struct bench_case cases[] = {
	{ "crowd", "batch_64_1", batch, 64, 1, 20000000, 0 },
	{ "crowd", "batch_64_2", batch, 64, 2, 20000000, 0 },
	{ "crowd", "batch_64_8", batch, 64, 8, 20000000, 0 },
	{ "crowd", "batch_64_64", batch, 64, 64, 20000000, 0 },
	{ "crowd", "batch_1..128_1", batch, 0, 1, 20000000, 0 },
	{ "crowd", "batch_1..128_2", batch, 0, 2, 20000000, 0 },
	{ "crowd", "batch_1..128_8", batch, 0, 8, 20000000, 0 },
	{ "crowd", "larson_1", larson, 0, 1, 10000000, 0 },
	{ "crowd", "larson_2", larson, 0, 2, 10000000, 0 },
	{ "crowd", "larson_4", larson, 0, 4, 10000000, 0 },
	{ "crowd", "larson_8", larson, 0, 8, 10000000, 0 },
};

BENCH_MAIN(cases)
