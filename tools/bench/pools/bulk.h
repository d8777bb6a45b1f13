/* SPDX-License-Identifier: MIT */
/*
 * bulk.h - the matrix of DPDK's mempool_perf_autotest: `keep` objects are taken
 * in steps of `bulk`, then given back in the same steps.
 *
 * A Bulk is made with a number of objects it must hold, and has
 * take(objects, n) and give(objects, n).
 */
#ifndef BULK_H
#define BULK_H

#include "pools.h"

#define BULK_MOST 32768u

static const unsigned bulk_keeps[] = { 32, 128, 512, 2048, 8192, 32768 };

/* One row a number kept; a bulk larger than that does not count. */
template <class Bulk, unsigned N> static void matrix(const Row &row)
{
	static void *objects[BULK_MOST];
	uint64_t total = bench_count(1 << 21);
	Bulk bulk(2 * BULK_MOST);

	for (unsigned keep : bulk_keeps) {
		uint64_t rounds = total / keep + 1, start;
		char suffix[32];

		if (keep < N)
			continue;
		start = bench_processor_ns();
		for (uint64_t r = 0; r < rounds; r++) {
			for (unsigned i = 0; i < keep; i += N) {
				bulk.take(objects + i, N);
				for (unsigned j = 0; j < N; j++)
					touch(objects[i + j]);
			}
			for (unsigned i = 0; i < keep; i += N)
				bulk.give(objects + i, N);
		}
		snprintf(suffix, sizeof(suffix), "_keep_%u", keep);
		report(row, suffix, "ns",
		       (double)(bench_processor_ns() - start) /
			       (double)(rounds * keep));
	}
}

/* A pool of loops.h that has no calls for several objects at once. */
template <class Pool> struct OneByOne {
	Pool pool{ 64 };

	OneByOne(unsigned)
	{
	}
	void take(void **objects, unsigned n)
	{
		auto &&mine = pool.mine();

		for (unsigned i = 0; i < n; i++)
			objects[i] = mine.alloc(64);
	}
	void give(void **objects, unsigned n)
	{
		auto &&mine = pool.mine();

		for (unsigned i = 0; i < n; i++)
			mine.free(objects[i], 64);
	}
};

#define MATRIX(contender, Bulk)                                                \
	{ "bulk", "bulk_1", contender, matrix<Bulk, 1> },                      \
		{ "bulk", "bulk_4", contender, matrix<Bulk, 4> },              \
		{ "bulk", "bulk_8", contender, matrix<Bulk, 8> },              \
		{ "bulk", "bulk_16", contender, matrix<Bulk, 16> },            \
		{ "bulk", "bulk_32", contender, matrix<Bulk, 32> },            \
		{ "bulk", "bulk_64", contender, matrix<Bulk, 64> },            \
		{ "bulk", "bulk_128", contender, matrix<Bulk, 128> },          \
		{ "bulk", "bulk_256", contender, matrix<Bulk, 256> },          \
	{                                                                      \
		"bulk", "bulk_512", contender, matrix<Bulk, 512>               \
	}

#endif
