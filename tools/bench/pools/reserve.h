/* SPDX-License-Identifier: MIT */
/*
 * reserve.h - the loops of the kernel's mempool: a source that works, and
 * one that does not, so that threads wait for each other.
 *
 * A Source is made with a pair of functions and has alloc() and free(object).
 * A Reserve is made with its number of objects and has take(), which waits,
 * and give(object).
 */
#ifndef RESERVE_H
#define RESERVE_H

#include "pools.h"

#define SOURCE_OBJECTS 1000u
#define MOST_WAIT_NS   (1u << 24)
#define WAIT_STEP_NS   16u
#define WAITERS	       4u
#define SHARED_OBJECTS 2u
#define HOLD_NS	       500u

typedef void *source_alloc_t(unsigned flags, void *data);
typedef void source_free_t(void *object, void *data);

/* The source: malloc of as many bytes as `data` says. */
__attribute__((noinline, unused)) static void *source_alloc(unsigned,
							    void *data)
{
	return malloc((size_t)(uintptr_t)data);
}

__attribute__((noinline, unused)) static void source_free(void *object, void *)
{
	free(object);
}

/* A source that gives what a reserve is filled with, and then nothing. */
static std::atomic<bool> source_dry;

__attribute__((noinline, unused)) static void *scarce_alloc(unsigned, void *)
{
	return source_dry.load(std::memory_order_relaxed) ? nullptr
							  : malloc(64);
}

__attribute__((noinline, unused)) static void scarce_free(void *object, void *)
{
	free(object);
}

template <class Source> static void source_pair(const Row &row)
{
	uint64_t count = bench_count(20000000), start;
	Source source(source_alloc, source_free, (void *)64);

	start = bench_processor_ns();
	for (uint64_t i = 0; i < count; i++) {
		void *object = source.alloc();

		touch(object);
		source.free(object);
	}
	report_cpu(row, start, count);
}

template <class Source> static void source_batch(const Row &row)
{
	uint64_t rounds = bench_count(10000), start;
	void *objects[SOURCE_OBJECTS];
	Source source(source_alloc, source_free, (void *)64);

	start = bench_processor_ns();
	for (uint64_t r = 0; r < rounds; r++) {
		for (void *&object : objects) {
			object = source.alloc();
			touch(object);
		}
		for (void *object : objects)
			source.free(object);
	}
	report_cpu(row, start, rounds * SOURCE_OBJECTS);
}

/* How long threads waited; a bin is WAIT_STEP_NS wide. */
struct Waits {
	std::vector<uint32_t> bins =
		std::vector<uint32_t>(MOST_WAIT_NS / WAIT_STEP_NS);
	uint64_t count = 0;

	void add(uint64_t ns)
	{
		uint64_t bin = ns / WAIT_STEP_NS;

		bins[bin < bins.size() ? bin : bins.size() - 1]++;
		count++;
	}
	void add(const Waits &other)
	{
		for (size_t i = 0; i < bins.size(); i++)
			bins[i] += other.bins[i];
		count += other.count;
	}
	double quantile(double share) const
	{
		uint64_t seen = 0;

		for (size_t i = 0; i < bins.size(); i++) {
			seen += bins[i];
			if ((double)seen >= share * (double)count)
				return (double)((i + 1) * WAIT_STEP_NS);
		}
		return MOST_WAIT_NS;
	}
};

/*
 * One object goes to and fro between two threads, through two exhausted pools:
 * each gives it into the pool in which the other waits.  So every operation is
 * a hand-off to a thread that waits.
 */
template <class Reserve> static void handoff(const Row &row)
{
	uint64_t count = bench_count(200000), ns;
	Reserve first(1), second(1);
	Waits waits[2];

	source_dry = true;
	second.take();
	ns = in_threads(2, [&](unsigned i) {
		Reserve &mine = i ? second : first;
		Reserve &other = i ? first : second;

		for (uint64_t n = 0; n < count; n++) {
			uint64_t start = bench_now_ns();
			void *object = mine.take();

			waits[i].add(bench_now_ns() - start);
			touch(object);
			other.give(object);
		}
	});
	waits[0].add(waits[1]);
	report(row, "", "ns", (double)ns / (double)(2 * count));
	report(row, ".wait_p99.9", "ns", waits[0].quantile(0.999));
}

/*
 * Four threads share two objects, and hold each for half a microsecond.  A
 * thread that gives and takes again at once may overtake those who wait.
 */
template <class Reserve> static void crowd(const Row &row)
{
	uint64_t count = bench_count(100000), ns;
	Reserve reserve(SHARED_OBJECTS);
	Waits waits[WAITERS];

	source_dry = true;
	ns = in_threads(WAITERS, [&](unsigned i) {
		for (uint64_t n = 0; n < count; n++) {
			uint64_t start = bench_now_ns(), end;
			void *object = reserve.take();

			end = bench_now_ns();
			waits[i].add(end - start);
			touch(object);
			while (bench_now_ns() - end < HOLD_NS)
				;
			reserve.give(object);
		}
	});
	for (unsigned i = 1; i < WAITERS; i++)
		waits[0].add(waits[i]);
	report(row, "", "ns", (double)ns / (double)(WAITERS * count));
	report(row, ".wait_p50", "ns", waits[0].quantile(0.5));
	report(row, ".wait_p99.9", "ns", waits[0].quantile(0.999));
	report(row, ".wait_longest", "ns", waits[0].quantile(1));
}

#endif
