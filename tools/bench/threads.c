/* SPDX-License-Identifier: MIT */
/*
 * threads.c - threads that work side by side, and threads that come and go.
 *
 * threads_N: each of N threads replaces random ones of its own 10k objects.
 * generations_N: N threads at a time; each replaces objects that a thread now
 * dead has left behind, then leaves them to the next (after Larson and
 * Krishnan, ISMM 1998).  thread_life: a thread is created, allocates a little,
 * exits, and is joined.  live_16_threads: what 16 small threads cost in memory.
 * Time is that of the wall clock divided by the operations of all threads.
 */
#include "bench.h"

#define THREADS_MOST 32

static struct bench_worker workers[THREADS_MOST];
static struct bench_moment filled, done;

static void fill(struct bench_worker *w)
{
	for (uint32_t i = 0; i < w->live; i++) {
		w->objects[i] =
			malloc(bench_small_size(bench_random(&w->seed)));
		bench_touch(w->objects[i]);
	}
}

static void replace(struct bench_worker *w)
{
	for (uint64_t i = 0; i < w->count; i++) {
		uint64_t r = bench_random(&w->seed);
		uint32_t victim = bench_scale(r, w->live);

		free(w->objects[victim]);
		w->objects[victim] = malloc(bench_small_size(r));
		bench_touch(w->objects[victim]);
	}
}

static void *side_by_side(void *arg)
{
	struct bench_worker *w = arg;

	fill(w);
	bench_meet(&filled);
	replace(w);
	bench_meet(&done);
	return NULL;
}

static void *one_generation(void *arg)
{
	replace(arg);
	return NULL;
}

static void *short_life(void *arg)
{
	void *objects[8];

	(void)arg;
	for (unsigned i = 0; i < 8; i++) {
		objects[i] = malloc(16 * (i + 1));
		bench_touch(objects[i]);
	}
	for (unsigned i = 0; i < 8; i++)
		free(objects[i]);
	return NULL;
}

/*
 * c->size threads, each with c->live objects of its own, of which it has
 * replaced as many.  Returns the peak memory before they end.
 */
static double run(const struct bench_case *c, uint64_t count)
{
	double peak;

	pthread_barrier_init(&filled.barrier, NULL, (unsigned)c->size);
	pthread_barrier_init(&done.barrier, NULL, (unsigned)c->size + 1);
	bench_prepare(workers, c->size, c->live, count);
	bench_start(workers, c->size, side_by_side);
	bench_meet(&done);
	peak = bench_peak_mib();
	bench_join(workers, c->size);
	return peak;
}

static void parallel(const struct bench_case *c)
{
	uint64_t count = bench_count(c->count) / c->size;
	double peak = run(c, count);

	bench_row(c->group, c, "", "ns",
		  (double)(done.wall_ns - filled.wall_ns) /
			  (double)(count * c->size));
	bench_row("memory", c, ".peak", "MiB", peak);
}

static void small_live_sets(const struct bench_case *c)
{
	bench_row("memory", c, ".peak", "MiB", run(c, c->count / c->size));
}

static void generations(const struct bench_case *c)
{
	enum { GENERATIONS = 40 };
	uint64_t count = bench_count(c->count) / c->size / GENERATIONS;
	uint64_t start;

	bench_prepare(workers, c->size, c->live, count);
	for (size_t t = 0; t < c->size; t++)
		fill(&workers[t]);
	start = bench_now_ns();
	for (unsigned g = 0; g < GENERATIONS; g++) {
		void **first = workers[0].objects;

		bench_run(workers, c->size, one_generation);
		for (size_t t = 0; t + 1 < c->size; t++)
			workers[t].objects = workers[t + 1].objects;
		workers[c->size - 1].objects = first;
	}
	bench_time(c, start, count * c->size * GENERATIONS);
	bench_row("memory", c, ".peak", "MiB", bench_peak_mib());
}

static void thread_life(const struct bench_case *c)
{
	uint64_t count = bench_count(c->count);
	uint64_t start = bench_now_ns();

	for (uint64_t i = 0; i < count; i++)
		bench_run(&workers[0], 1, short_life);
	bench_row(c->group, c, "", "us",
		  (double)(bench_now_ns() - start) / 1e3 / (double)count);
}

static const struct bench_case cases[] = {
	{ "small", "threads_1", parallel, 1, 10000, 6000000, 0 },
	{ "small", "threads_2", parallel, 2, 10000, 10000000, 0 },
	{ "small", "threads_8", parallel, 8, 10000, 10000000, 0 },
	{ "small", "threads_32", parallel, 32, 10000, 10000000, 0 },
	{ "small", "generations_2", generations, 2, 5000, 8000000, 0 },
	{ "small", "generations_8", generations, 8, 5000, 8000000, 0 },
	{ "process", "thread_life", thread_life, 0, 0, 5000, 0 },
	{ "memory", "live_16_threads", small_live_sets, 16, 5000, 1600000, 3 },
};

BENCH_MAIN(cases)
