/* SPDX-License-Identifier: MIT */
/*
 * pools.h - what the programs of the pool benchmarks share: the table of rows,
 * clocks, threads, and the line that reports a figure.
 *
 * A program has the rows of one library, for one or more contenders.  Without
 * arguments it lists them ("GROUP CASE CONTENDER"), with two of these names it
 * runs that row, once, and prints for each figure
 *
 *	GROUP ROW CONTENDER UNIT VALUE
 *
 * Less is better in every row.  The loops are templates in loops.h and
 * reserve.h, so that each contender gets the same loop, with all that its own
 * headers let a compiler put into it.  BENCH_DIVIDE=N divides the counts.
 */
#ifndef POOLS_H
#define POOLS_H

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "../bench.h"

struct Row {
	const char *group;
	const char *name;
	const char *contender;
	void (*run)(const Row &row);
};

/* Reports a figure; `suffix` is added to the name of the row. */
static inline void report(const Row &row, const char *suffix, const char *unit,
			  double value)
{
	printf("%s %s%s %s %s %.6g\n", row.group, row.name, suffix,
	       row.contender, unit, value);
}

/* Reports the time of one operation since `start_ns` of bench_processor_ns().
 */
static inline void report_cpu(const Row &row, uint64_t start_ns,
			      uint64_t operations)
{
	report(row, "", "ns",
	       (double)(bench_processor_ns() - start_ns) / (double)operations);
}

/* The first write to each object, a word of it. */
static inline void touch(void *object)
{
	*(volatile uintptr_t *)object = 1;
}

/* Makes the compiler forget what it knows about a variable. */
template <class T> static inline void forget(T &variable)
{
	__asm__ volatile("" : "+m"(variable)::"memory");
}

[[noreturn]] static inline void give_up(const char *what)
{
	fprintf(stderr, "bench: %s failed\n", what);
	exit(1);
}

/*
 * Runs work(i) in `n` threads that start together; returns the nanoseconds of
 * the wall clock from the start of the first to the end of the last.
 */
template <class Work> static uint64_t in_threads(unsigned n, Work work)
{
	std::atomic<unsigned> ready{ 0 };
	std::atomic<bool> go{ false };
	std::vector<std::thread> threads;
	uint64_t start;

	for (unsigned i = 0; i < n; i++)
		threads.emplace_back([&, i] {
			ready++;
			while (!go)
				std::this_thread::yield();
			work(i);
		});
	while (ready != n)
		std::this_thread::yield();
	start = bench_now_ns();
	go = true;
	for (std::thread &thread : threads)
		thread.join();
	return bench_now_ns() - start;
}

template <size_t N>
static int pools_main(int argc, char **argv, const Row (&rows)[N])
{
	for (const Row &row : rows) {
		if (argc < 3) {
			printf("%s %s %s\n", row.group, row.name,
			       row.contender);
		} else if (!strcmp(argv[1], row.name) &&
			   !strcmp(argv[2], row.contender)) {
			row.run(row);
			return 0;
		}
	}
	if (argc == 1)
		return 0;
	fprintf(stderr, "usage: %s [CASE CONTENDER]\n", argv[0]);
	return 2;
}

#define POOLS_MAIN(rows)                                                       \
	int main(int argc, char **argv)                                        \
	{                                                                      \
		return pools_main(argc, argv, rows);                           \
	}

#endif
