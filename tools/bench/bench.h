/* SPDX-License-Identifier: MIT */
/*
 * bench.h - what the benchmark programs share: the list of cases, the clocks,
 * random numbers, threads, memory figures, and the line that reports a row.
 *
 * A program holds a table of cases and hands it to bench_main().  Without
 * arguments it lists them ("GROUP CASE MOST_RUNS"), with a name it runs that
 * case, once, and prints for each row it measured
 *
 *	GROUP ROW UNIT VALUE
 *
 * Less is better in every row.  Programs call plain malloc and free; which
 * allocator that is, LD_PRELOAD decides.  What a program needs for itself
 * comes from bench_map(), so that it is in no figure.  BENCH_DIVIDE=N divides
 * the counts, for a quick look.
 *
 * Groups: small (time, requests of 1..128 bytes), border (crosses 128),
 * large (beyond 128), mixed (as programs mix them), tail (latency), memory,
 * process (start, threads).
 */
#ifndef BENCH_H
#define BENCH_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MIB (1024.0 * 1024.0)

/*
 * One case.  The meaning of the three numbers is the program's own.
 * A case whose figure hardly varies, and that is long, is run `most_runs`
 * times at most; 0 is as often as the runner likes.
 */
struct bench_case {
	const char *group;
	const char *name;
	void (*run)(const struct bench_case *c);
	size_t size;
	size_t live;
	uint64_t count;
	unsigned most_runs;
};

/* Bytes that bench_map() has handed out: resident, and not the allocator's. */
static size_t bench_mapped;

static inline uint64_t bench_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/*
 * Time of the processor, for rows of one thread: what other programs take from
 * it meanwhile does not count.
 */
static inline uint64_t bench_processor_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t bench_count(uint64_t count)
{
	const char *text = getenv("BENCH_DIVIDE");
	uint64_t by = text ? strtoull(text, NULL, 10) : 1;

	return by > 1 && count / by ? count / by : count;
}

/* Marsaglia's xorshift; the state must not be 0. */
static inline uint64_t bench_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

/* A number in 0..limit-1, from the upper half of a random one. */
static inline uint32_t bench_scale(uint64_t random, uint32_t limit)
{
	return (uint32_t)(((random >> 32) * limit) >> 32);
}

static inline uint32_t bench_below(uint64_t *state, uint32_t limit)
{
	return bench_scale(bench_random(state), limit);
}

/* A size in 1..128, from the bits that bench_scale() hardly uses. */
static inline size_t bench_small_size(uint64_t random)
{
	return 1 + (random & 127);
}

/* The same order each time. */
static inline void bench_shuffle(uint16_t *numbers, uint32_t n)
{
	uint64_t seed = 0x5eed;

	for (uint32_t i = n - 1; i; i--) {
		uint32_t j = bench_below(&seed, i + 1);
		uint16_t other = numbers[j];

		numbers[j] = numbers[i];
		numbers[i] = other;
	}
}

/* The first write, as every program that asks for memory does it. */
static inline void bench_touch(void *p)
{
	*(volatile char *)p = 1;
}

/*
 * Zeroed, resident memory for the benchmark itself; in huge pages where it
 * may, so that its own cache misses are few.
 */
static inline void *bench_map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("bench: mmap");
		exit(1);
	}
	madvise(p, bytes, MADV_HUGEPAGE);
	memset(p, 0, bytes);
	bench_mapped += bytes;
	return p;
}

static inline void bench_unmap(void *p, size_t bytes)
{
	munmap(p, bytes);
	bench_mapped -= bytes;
}

/* The number of KiB behind `key` in a file of /proc/self, as bytes. */
static inline double bench_proc_bytes(const char *file, const char *key)
{
	char text[4096];
	ssize_t length = -1;
	int fd = open(file, O_RDONLY);
	char *found;

	if (fd >= 0) {
		length = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[length > 0 ? length : 0] = 0;
	found = strstr(text, key);
	return found ? strtod(found + strlen(key), NULL) * 1024 : 0;
}

/* smaps_rollup is exact where VmRSS may lag by some pages a processor. */
static inline double bench_rss_mib(void)
{
	double bytes = bench_proc_bytes("/proc/self/smaps_rollup", "Rss:");

	return (bytes - (double)bench_mapped) / MIB;
}

/* The peak, provided that bench_map() was not called after it. */
static inline double bench_peak_mib(void)
{
	double bytes = bench_proc_bytes("/proc/self/status", "VmHWM:");

	return (bytes - (double)bench_mapped) / MIB;
}

/* A thread of a benchmark, with `live` objects of its own. */
struct bench_worker {
	pthread_t thread;
	void **objects;
	uint32_t live;
	uint64_t seed;
	uint64_t count; /* operations that it is to do */
};

/* `n` of them, each with room for its objects and a seed of its own. */
static inline void bench_prepare(struct bench_worker *workers, size_t n,
				 size_t live, uint64_t count)
{
	for (size_t t = 0; t < n; t++) {
		struct bench_worker *w = &workers[t];

		w->live = (uint32_t)live;
		w->objects = (void **)bench_map(live * sizeof(*w->objects));
		w->seed = 0x1234567 + t;
		w->count = count;
	}
}

static inline void bench_start(struct bench_worker *workers, size_t n,
			       void *(*body)(void *))
{
	for (size_t t = 0; t < n; t++) {
		errno = pthread_create(&workers[t].thread, NULL, body,
				       &workers[t]);
		if (errno) {
			perror("bench: pthread_create");
			exit(1);
		}
	}
}

static inline void bench_join(struct bench_worker *workers, size_t n)
{
	for (size_t t = 0; t < n; t++)
		pthread_join(workers[t].thread, NULL);
}

/* Until each has returned from `body`, which gets its worker. */
static inline void bench_run(struct bench_worker *workers, size_t n,
			     void *(*body)(void *))
{
	bench_start(workers, n, body);
	bench_join(workers, n);
}

/* When all who meet there were there: the last to come takes the time. */
struct bench_moment {
	pthread_barrier_t barrier;
	uint64_t wall_ns;
	uint64_t processor_ns;
};

static inline void bench_meet(struct bench_moment *m)
{
	if (pthread_barrier_wait(&m->barrier) != PTHREAD_BARRIER_SERIAL_THREAD)
		return;
	m->wall_ns = bench_now_ns();
	m->processor_ns = bench_processor_ns();
}

/* Reports a row; `suffix`, if any, is added to the name of the case. */
static inline void bench_row(const char *group, const struct bench_case *c,
			     const char *suffix, const char *unit, double value)
{
	printf("%s %s%s %s %.6g\n", group, c->name, suffix, unit, value);
}

/* Reports the time of one operation. */
static inline void bench_time(const struct bench_case *c, uint64_t start_ns,
			      uint64_t operations)
{
	double ns = (double)(bench_now_ns() - start_ns);

	bench_row(c->group, c, "", "ns", ns / (double)operations);
}

static inline int bench_main(int argc, char **argv,
			     const struct bench_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (argc < 2) {
			printf("%s %s %u\n", cases[i].group, cases[i].name,
			       cases[i].most_runs);
		} else if (!strcmp(argv[1], cases[i].name)) {
			cases[i].run(&cases[i]);
			return 0;
		}
	}
	if (argc < 2)
		return 0;
	fprintf(stderr, "%s: no case \"%s\"\n", argv[0], argv[1]);
	return 2;
}

#define BENCH_MAIN(cases)                                                      \
	int main(int argc, char **argv)                                        \
	{                                                                      \
		return bench_main(argc, argv, cases,                           \
				  sizeof(cases) / sizeof((cases)[0]));         \
	}

#endif
