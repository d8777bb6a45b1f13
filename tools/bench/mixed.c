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

struct worker {
	pthread_t thread;
	void **objects;
	uint32_t live;
	uint64_t seed;
	uint64_t count;
};

static uint16_t sizes[PARTS];
static struct worker workers[THREADS];
static void *_Atomic *shared;
static pthread_barrier_t together;

/* When all threads have filled their sets, and when all are done. */
struct moment {
	uint64_t wall_ns;
	uint64_t processor_ns;
};
static struct moment begin, end;

static uint64_t processor_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The last to come takes the time. */
static void meet(struct moment *m)
{
	if (pthread_barrier_wait(&together) == PTHREAD_BARRIER_SERIAL_THREAD)
		*m = (struct moment){ bench_now_ns(), processor_ns() };
}

static void *make(uint64_t random)
{
	void *p = malloc(sizes[random % PARTS]);

	bench_touch(p);
	return p;
}

static void shuffle(uint16_t *numbers, uint32_t n)
{
	uint64_t seed = 0x5eed;

	for (uint32_t i = n - 1; i; i--) {
		uint32_t j = bench_below(&seed, i + 1);
		uint16_t other = numbers[j];

		numbers[j] = numbers[i];
		numbers[i] = other;
	}
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
	shuffle(sizes, PARTS);
}

static void fill(struct worker *w)
{
	for (uint32_t i = 0; i < w->live; i++)
		w->objects[i] = make(bench_random(&w->seed));
}

static void prepare(struct worker *w, const struct bench_case *c,
		    uint64_t count)
{
	w->live = (uint32_t)c->live;
	w->objects = bench_map(c->live * sizeof(*w->objects));
	w->seed = 0x1234567 + (uint64_t)(w - workers);
	w->count = count;
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
	shuffle(order, BATCH);
	start = processor_ns();
	for (uint64_t r = 0; r < rounds; r++) {
		for (unsigned i = 0; i < BATCH; i++)
			objects[i] = make(bench_random(&seed));
		for (unsigned i = 0; i < BATCH; i++)
			free(objects[order[i]]);
	}
	report(c, "", processor_ns() - start, rounds * BATCH);
}

static void replace(const struct bench_case *c)
{
	struct worker *w = &workers[0];
	uint64_t start;

	choose_mix(c);
	prepare(w, c, bench_count(c->count));
	fill(w);
	start = processor_ns();
	for (uint64_t i = 0; i < w->count; i++) {
		uint64_t r = bench_random(&w->seed);
		uint32_t victim = bench_scale(r, w->live);

		free(w->objects[victim]);
		w->objects[victim] = make(r);
	}
	report(c, "", processor_ns() - start, w->count);
	if (w->live >= 30000)
		bench_row(c->group, c, ".peak", "MiB", bench_peak_mib());
}

static void *side_by_side(void *arg)
{
	struct worker *w = arg;

	fill(w);
	meet(&begin);
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
	meet(&end);
	return NULL;
}

static void four_threads(const struct bench_case *c)
{
	uint64_t count = bench_count(c->count) / THREADS;

	choose_mix(c);
	shared = bench_map(SHARED * sizeof(*shared));
	pthread_barrier_init(&together, NULL, THREADS);
	for (unsigned t = 0; t < THREADS; t++) {
		prepare(&workers[t], c, count);
		if (pthread_create(&workers[t].thread, NULL, side_by_side,
				   &workers[t])) {
			perror("bench: pthread_create");
			exit(1);
		}
	}
	for (unsigned t = 0; t < THREADS; t++)
		pthread_join(workers[t].thread, NULL);
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
