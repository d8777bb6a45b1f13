/* SPDX-License-Identifier: MIT */
/*
 * mixed.c - requests of many sizes, as programs mix them.
 *
 * A mix is 1024 sizes in random order, each as often as it is asked for: those
 * of real programs (mixes.h), or all of a range alike.  A request takes the
 * size of a random place, so to draw one costs the same in every mix.
 *
 *	batch	a thousand objects allocated, then freed in random order
 *	1k, 30k	one random object of that many freed and allocated anew
 *	4t	the same in four threads, 5k objects each; one in eight lies in
 *		slots that all of them share, so another thread frees it
 *
 * An operation is one allocation and one free.  Rows of one thread count
 * processor time; four threads the wall clock, and in .cpu processor time.
 */
#include <stdatomic.h>
#include "bench.h"
#include "mixes.h"

enum { PARTS = 1024, BATCH = 1000, THREADS = 4, SHARED = 4096 };

static uint16_t sizes[PARTS];
static struct bench_worker workers[THREADS];
static void *_Atomic *shared;

/* When all threads have filled their sets, and when all are done. */
static struct bench_moment begin, end;

static void *make(uint64_t random)
{
	void *p = malloc(sizes[random % PARTS]);

	bench_touch(p);
	return p;
}

static void mix_of_parts(const struct mix_part *parts)
{
	for (unsigned filled_to = 0; filled_to < PARTS; parts++)
		for (unsigned n = parts->parts; n--;)
			sizes[filled_to++] = parts->size;
}

static void mix_of_range(unsigned low, unsigned high)
{
	for (unsigned i = 0; i < PARTS; i++)
		sizes[i] = (uint16_t)(low + i * (high - low + 1) / PARTS);
}

/* The mix that the name of the case ends with. */
static void choose_mix(const struct bench_case *c)
{
	const char *name = strchr(c->name + strlen("mix_"), '_') + 1;
	unsigned low, high;

	if (!strcmp(name, "gcc"))
		mix_of_parts(gcc);
	else if (!strcmp(name, "sqlite"))
		mix_of_parts(sqlite);
	else if (!strcmp(name, "ghostscript"))
		mix_of_parts(ghostscript);
	else if (!strcmp(name, "z3"))
		mix_of_parts(z3);
	else if (sscanf(name, "%u..%u", &low, &high) == 2)
		mix_of_range(low, high);
	else
		abort();
	bench_shuffle(sizes, PARTS);
}

static void fill(struct bench_worker *w)
{
	for (uint32_t i = 0; i < w->live; i++)
		w->objects[i] = make(bench_random(&w->seed));
}

static void report(const struct bench_case *c, const char *suffix, uint64_t ns,
		   uint64_t operations)
{
	bench_row(c->group, c, suffix, "ns", (double)ns / (double)operations);
}

static void batch(const struct bench_case *c)
{
	static void *objects[BATCH];
	static uint16_t order[BATCH];
	uint64_t rounds = bench_count(c->count / BATCH);
	uint64_t seed = 0x1234567;
	uint64_t start;

	choose_mix(c);
	for (unsigned i = 0; i < BATCH; i++)
		order[i] = (uint16_t)i;
	bench_shuffle(order, BATCH);
	start = bench_processor_ns();
	for (uint64_t r = 0; r < rounds; r++) {
		for (unsigned i = 0; i < BATCH; i++)
			objects[i] = make(bench_random(&seed));
		for (unsigned i = 0; i < BATCH; i++)
			free(objects[order[i]]);
	}
	report(c, "", bench_processor_ns() - start, rounds * BATCH);
}

static void replace(const struct bench_case *c)
{
	struct bench_worker *w = &workers[0];
	uint64_t start;

	choose_mix(c);
	bench_prepare(w, 1, c->live, bench_count(c->count));
	fill(w);
	start = bench_processor_ns();
	for (uint64_t i = 0; i < w->count; i++) {
		uint64_t r = bench_random(&w->seed);
		uint32_t victim = bench_scale(r, w->live);

		free(w->objects[victim]);
		w->objects[victim] = make(r);
	}
	report(c, "", bench_processor_ns() - start, w->count);
	if (w->live >= 30000)
		bench_row(c->group, c, ".peak", "MiB", bench_peak_mib());
}

static void *side_by_side(void *arg)
{
	struct bench_worker *w = arg;

	fill(w);
	bench_meet(&begin);
	for (uint64_t i = 0; i < w->count; i++) {
		uint64_t r = bench_random(&w->seed);
		uint32_t victim = bench_scale(r, w->live);

		if (i % 8) {
			free(w->objects[victim]);
			w->objects[victim] = make(r);
		} else {
			/* Mostly another thread's. */
			free(atomic_exchange(&shared[victim % SHARED],
					     make(r)));
		}
	}
	bench_meet(&end);
	return NULL;
}

static void four_threads(const struct bench_case *c)
{
	uint64_t count = bench_count(c->count) / THREADS;

	choose_mix(c);
	shared = bench_map(SHARED * sizeof(*shared));
	pthread_barrier_init(&begin.barrier, NULL, THREADS);
	pthread_barrier_init(&end.barrier, NULL, THREADS);
	bench_prepare(workers, THREADS, c->live, count);
	bench_run(workers, THREADS, side_by_side);
	report(c, "", end.wall_ns - begin.wall_ns, count * THREADS);
	report(c, ".cpu", end.processor_ns - begin.processor_ns,
	       count * THREADS);
}

#define MIX(name)                                                              \
	{ "mixed", "mix_batch_" name, batch, 0, 0, 2000000, 0 },               \
		{ "mixed", "mix_1k_" name, replace, 0, 1000, 2000000, 0 },     \
		{ "mixed", "mix_30k_" name, replace, 0, 30000, 1000000, 0 },   \
	{                                                                      \
		"mixed", "mix_4t_" name, four_threads, 0, 5000, 2000000, 0     \
	}

static const struct bench_case cases[] = {
	MIX("gcc"),	 MIX("sqlite"),	   MIX("ghostscript"), MIX("z3"),
	MIX("10..1000"), MIX("129..1024"), MIX("1..8192"),
};

BENCH_MAIN(cases)
