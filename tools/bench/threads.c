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

struct worker {
	pthread_t thread;
	void **objects;
	uint32_t live;
	uint64_t seed;
	uint64_t count;
	uint64_t start_ns;
	uint64_t end_ns;
};

static struct worker workers[THREADS_MOST];
static pthread_barrier_t filled;
static pthread_barrier_t done;

static void fill(struct worker *w)
{
	for (uint32_t i = 0; i < w->live; i++) {
		w->objects[i] =
			malloc(bench_small_size(bench_random(&w->seed)));
		bench_touch(w->objects[i]);
	}
}

static void replace(struct worker *w)
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
	struct worker *w = arg;

	fill(w);
	pthread_barrier_wait(&filled);
	w->start_ns = bench_now_ns();
	replace(w);
	w->end_ns = bench_now_ns();
	pthread_barrier_wait(&done);
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

static void create(struct worker *w, void *(*body)(void *))
{
	if (pthread_create(&w->thread, NULL, body, w)) {
		perror("bench: pthread_create");
		exit(1);
	}
}

/* c->size threads, each with c->live objects of its own. */
static void prepare(const struct bench_case *c, uint64_t count)
{
	for (size_t t = 0; t < c->size; t++) {
		struct worker *w = &workers[t];

		w->live = (uint32_t)c->live;
		w->objects = bench_map(c->live * sizeof(*w->objects));
		w->seed = 0x1234567 + t;
		w->count = count;
	}
}

/* Runs all of them until each has filled its set and replaced its share. */
static void run_workers(const struct bench_case *c)
{
	pthread_barrier_init(&filled, NULL, (unsigned)c->size + 1);
	pthread_barrier_init(&done, NULL, (unsigned)c->size + 1);
	for (size_t t = 0; t < c->size; t++)
		create(&workers[t], side_by_side);
	pthread_barrier_wait(&filled);
	pthread_barrier_wait(&done);
}

static void join_workers(const struct bench_case *c)
{
	for (size_t t = 0; t < c->size; t++)
		pthread_join(workers[t].thread, NULL);
}

/* From the first thread's first operation to the last one's last. */
static double busy_ns(const struct bench_case *c)
{
	uint64_t start = UINT64_MAX, end = 0;

	for (size_t t = 0; t < c->size; t++) {
		if (workers[t].start_ns < start)
			start = workers[t].start_ns;
		if (workers[t].end_ns > end)
			end = workers[t].end_ns;
	}
	return (double)(end - start);
}

static void parallel(const struct bench_case *c)
{
	uint64_t count = bench_count(c->count) / c->size;

	prepare(c, count);
	run_workers(c);
	bench_row(c->group, c, "", "ns",
		  busy_ns(c) / (double)(count * c->size));
	bench_row("memory", c, ".peak", "MiB", bench_peak_mib());
	join_workers(c);
}

static void small_live_sets(const struct bench_case *c)
{
	prepare(c, c->count / c->size);
	run_workers(c);
	bench_row("memory", c, ".peak", "MiB", bench_peak_mib());
	join_workers(c);
}

static void generations(const struct bench_case *c)
{
	enum { GENERATIONS = 40 };
	uint64_t count = bench_count(c->count) / c->size / GENERATIONS;
	uint64_t start;

	prepare(c, count);
	for (size_t t = 0; t < c->size; t++)
		fill(&workers[t]);
	start = bench_now_ns();
	for (unsigned g = 0; g < GENERATIONS; g++) {
		void **first = workers[0].objects;

		for (size_t t = 0; t < c->size; t++)
			create(&workers[t], one_generation);
		join_workers(c);
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

	for (uint64_t i = 0; i < count; i++) {
		create(&workers[0], short_life);
		pthread_join(workers[0].thread, NULL);
	}
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
