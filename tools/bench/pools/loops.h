/* SPDX-License-Identifier: MIT */
/*
 * loops.h - the loops of all families but the reserve (see reserve.h).
 *
 * A Pool is made with the size of its objects and has
 *
 *	void *alloc(size_t size)		of that size, or any if variable
 *	void free(void *object, size_t size)	the same size again
 *	auto mine()				what a thread calls these on
 *
 * A Region has alloc(size) and reset().  A Tree has node(parent, size), with
 * parent NULL for a root, pool(bytes), a root with room for others, and
 * free(root).  A Cache has get() and put(object).
 */
#ifndef LOOPS_H
#define LOOPS_H

#include "pools.h"

#define BATCH	  1000u
#define OBJECT	  64u
#define MIX	  4096u /* sizes in a mix, a power of two */
#define LIVE	  100000u
#define RING	  4096u
#define STEP	  64u
#define CRC_TABLE 256u

/*
 * A pool whose threads all use the pool itself.  (For a library in C, mine() is
 * what its programs have in a local variable: a handle.)
 */
template <class Pool> struct Shared {
	Pool &mine()
	{
		return *static_cast<Pool *>(this);
	}
};

/* Sizes of 16..511 bytes, small ones more often: uniform in each octave. */
struct Mix {
	uint16_t of[MIX];

	Mix()
	{
		uint64_t seed = 0x2545f4914f6cdd1d;

		for (uint16_t &size : of) {
			unsigned octave = 16u << bench_below(&seed, 5);

			size = (uint16_t)(octave + bench_below(&seed, octave));
		}
	}
	size_t operator[](size_t i) const
	{
		return of[i & (MIX - 1)];
	}
};

/* 1000 objects are allocated and written, then freed in the same order. */
template <class Pool> static void batches(Pool &pool, uint64_t rounds)
{
	void *objects[BATCH];
	auto &&mine = pool.mine();

	for (uint64_t r = 0; r < rounds; r++) {
		for (void *&object : objects) {
			object = mine.alloc(OBJECT);
			touch(object);
		}
		for (void *object : objects)
			mine.free(object, OBJECT);
	}
}

template <class Pool> static void batch(const Row &row)
{
	uint64_t rounds = bench_count(20000), start;
	Pool pool(OBJECT);

	batches(pool, rounds / 10);
	start = bench_processor_ns();
	batches(pool, rounds);
	report_cpu(row, start, rounds * BATCH);
}

/* The same, freed in an order that has nothing to do with addresses. */
template <class Pool> static void batch_random(const Row &row)
{
	uint64_t rounds = bench_count(10000), seed = 88172645463325252u, start;
	void *objects[BATCH];
	uint16_t order[BATCH];
	Pool pool(OBJECT);
	auto &&mine = pool.mine();

	for (unsigned i = 0; i < BATCH; i++) {
		unsigned j = bench_below(&seed, i + 1);

		order[i] = order[j];
		order[j] = (uint16_t)i;
	}
	start = bench_processor_ns();
	for (uint64_t r = 0; r < rounds; r++) {
		for (void *&object : objects) {
			object = mine.alloc(OBJECT);
			touch(object);
		}
		for (uint16_t i : order)
			mine.free(objects[i], OBJECT);
	}
	report_cpu(row, start, rounds * BATCH);
}

/* One object at a time. */
template <class Pool> static void pair(const Row &row)
{
	uint64_t count = bench_count(20000000), start;
	Pool pool(OBJECT);
	auto &&mine = pool.mine();

	start = bench_processor_ns();
	for (uint64_t i = 0; i < count; i++) {
		void *object = mine.alloc(OBJECT);

		touch(object);
		mine.free(object, OBJECT);
	}
	report_cpu(row, start, count);
}

/* Batches in two threads at once; the wall clock, by the pairs of both. */
template <class Pool> static void two_threads(const Row &row)
{
	uint64_t rounds = bench_count(4000), ns;
	Pool pool(OBJECT);

	ns = in_threads(2, [&](unsigned) { batches(pool, rounds); });
	report(row, "", "ns", (double)ns / (double)(2 * rounds * BATCH));
}

/* One thread allocates, another frees; they are joined by a ring. */
template <class Pool> static void across(const Row &row)
{
	uint64_t count = bench_count(4000000) / STEP * STEP, ns;
	static void *ring[RING];
	alignas(128) static std::atomic<uint64_t> head;
	alignas(128) static std::atomic<uint64_t> tail;
	Pool pool(OBJECT);

	ns = in_threads(2, [&](unsigned consumer) {
		auto &&mine = pool.mine();

		for (uint64_t n = 0; n < count; n += STEP) {
			std::atomic<uint64_t> &other = consumer ? head : tail;
			uint64_t wanted = n + STEP - (consumer ? 0 : RING);

			/* Pairs with the other thread's release below. */
			while ((int64_t)(other.load(std::memory_order_acquire) -
					 wanted) < 0)
				std::this_thread::yield();
			for (unsigned i = 0; i < STEP; i++) {
				void *&slot = ring[(n + i) % RING];

				if (consumer) {
					mine.free(slot, OBJECT);
				} else {
					slot = mine.alloc(OBJECT);
					touch(slot);
				}
			}
			(consumer ? tail : head)
				.store(n + STEP, std::memory_order_release);
		}
	});
	report(row, "", "ns", (double)ns / (double)count);
}

/* Batches of mixed sizes. */
template <class Pool> static void mixed(Pool &pool, uint64_t rounds)
{
	static const Mix mix;
	void *objects[BATCH];
	size_t next = 0;
	auto &&mine = pool.mine();

	for (uint64_t r = 0; r < rounds; r++, next += BATCH) {
		for (size_t i = 0; i < BATCH; i++) {
			objects[i] = mine.alloc(mix[next + i]);
			touch(objects[i]);
		}
		for (size_t i = 0; i < BATCH; i++)
			mine.free(objects[i], mix[next + i]);
	}
}

template <class Pool> static void mixed_batch(const Row &row)
{
	uint64_t rounds = bench_count(5000), start;
	Pool pool(0);

	mixed(pool, rounds / 10);
	start = bench_processor_ns();
	mixed(pool, rounds);
	report_cpu(row, start, rounds * BATCH);
}

template <class Pool> static void mixed_two_threads(const Row &row)
{
	uint64_t rounds = bench_count(1500), ns;
	Pool pool(0);

	ns = in_threads(2, [&](unsigned) { mixed(pool, rounds); });
	report(row, "", "ns", (double)ns / (double)(2 * rounds * BATCH));
}

/* One of 1000 live objects, at random, makes room for one of another size. */
template <class Pool> static void mixed_replace(const Row &row)
{
	uint64_t count = bench_count(5000000), seed = 88172645463325252u;
	uint64_t start;
	static const Mix mix;
	void *objects[BATCH];
	uint16_t sizes[BATCH];
	Pool pool(0);
	auto &&mine = pool.mine();

	for (size_t i = 0; i < BATCH; i++) {
		sizes[i] = mix.of[i];
		objects[i] = mine.alloc(sizes[i]);
	}
	start = bench_processor_ns();
	for (uint64_t n = 0; n < count; n++) {
		uint64_t random = bench_random(&seed);
		unsigned i = bench_scale(random, BATCH);

		mine.free(objects[i], sizes[i]);
		sizes[i] = (uint16_t)mix[random];
		objects[i] = mine.alloc(sizes[i]);
		touch(objects[i]);
	}
	report_cpu(row, start, count);
	for (size_t i = 0; i < BATCH; i++)
		mine.free(objects[i], sizes[i]);
}

/* A request: 1000 allocations, then everything at once. */
template <class Region> static void requests(const Row &row)
{
	uint64_t rounds = bench_count(20000), start = 0;
	Region region;

	for (uint64_t r = 0; r < rounds + rounds / 10; r++) {
		if (r == rounds / 10)
			start = bench_processor_ns();
		for (unsigned i = 0; i < BATCH; i++)
			touch(region.alloc(OBJECT));
		region.reset();
	}
	report_cpu(row, start, rounds * BATCH);
}

template <class Region> static void requests_mixed(const Row &row)
{
	uint64_t rounds = bench_count(5000), start = 0;
	static const Mix mix;
	Region region;

	for (uint64_t r = 0; r < rounds + rounds / 10; r++) {
		if (r == rounds / 10)
			start = bench_processor_ns();
		for (unsigned i = 0; i < BATCH; i++)
			touch(region.alloc(mix[r * BATCH + i]));
		region.reset();
	}
	report_cpu(row, start, rounds * BATCH);
}

/* A root and two children, freed by their root. */
template <class Tree> static void three_objects(const Row &row)
{
	uint64_t count = bench_count(2000000), start;
	Tree tree;

	start = bench_processor_ns();
	for (uint64_t n = 0; n < count; n++) {
		void *root = tree.node(nullptr, OBJECT);

		touch(root);
		touch(tree.node(root, OBJECT));
		touch(tree.node(root, OBJECT));
		tree.free(root);
	}
	report_cpu(row, start, count);
}

/* A thousand such trees live at a time. */
template <class Tree> static void three_objects_batch(const Row &row)
{
	uint64_t rounds = bench_count(1000), start;
	void *roots[BATCH];
	Tree tree;

	start = bench_processor_ns();
	for (uint64_t r = 0; r < rounds; r++) {
		for (void *&root : roots) {
			root = tree.node(nullptr, OBJECT);
			touch(root);
			touch(tree.node(root, OBJECT));
			touch(tree.node(root, OBJECT));
		}
		for (void *root : roots)
			tree.free(root);
	}
	report_cpu(row, start, rounds * BATCH);
}

/* The object of the cache rows: a table that takes a while to compute. */
struct Crc {
	uint32_t of[CRC_TABLE];
};

__attribute__((noinline, unused)) static void crc_construct(Crc *crc)
{
	for (uint32_t n = 0; n < CRC_TABLE; n++) {
		uint32_t c = n;

		for (unsigned bit = 0; bit < 8; bit++)
			c = (c >> 1) ^ (0xedb88320u & (0u - (c & 1)));
		crc->of[n] = c;
	}
}

/* An object is got, used a little, and put. */
template <class Cache> static void get_put(const Row &row)
{
	uint64_t count = bench_count(1000000), start;
	Cache cache;

	start = bench_processor_ns();
	for (uint64_t n = 0; n < count; n++) {
		Crc *crc = cache.get();

		if (((volatile Crc *)crc)->of[n % CRC_TABLE] == 0 &&
		    n % CRC_TABLE)
			give_up("construct");
		cache.put(crc);
	}
	report_cpu(row, start, count);
}

/* Bytes that are resident now. */
static inline double resident(void)
{
	return bench_rss_mib() * MIB;
}

/*
 * Resident bytes an object beyond its own: LIVE of them are allocated and
 * written in full.  make(i, size) gives an object, size(i) says how large.
 */
template <class Make, class Size>
static void weigh(const Row &row, Make make, Size size)
{
	double before = resident(), payload = 0;

	for (size_t i = 0; i < LIVE; i++) {
		memset(make(i, size(i)), 1, size(i));
		payload += (double)size(i);
	}
	report(row, "", "B", (resident() - before - payload) / LIVE);
}

template <class Pool> static void weigh_objects(const Row &row)
{
	Pool pool(OBJECT);
	auto &&mine = pool.mine();

	weigh(
		row, [&](size_t, size_t size) { return mine.alloc(size); },
		[](size_t) { return OBJECT; });
}

template <class Pool> static void weigh_mixed(const Row &row)
{
	static const Mix mix;
	Pool pool(0);
	auto &&mine = pool.mine();

	weigh(
		row, [&](size_t, size_t size) { return mine.alloc(size); },
		[](size_t i) { return mix[i]; });
}

template <class Region> static void weigh_region(const Row &row)
{
	Region region;

	weigh(
		row, [&](size_t, size_t size) { return region.alloc(size); },
		[](size_t) { return OBJECT; });
}

template <class Tree> static void weigh_tree(const Row &row)
{
	Tree tree;
	void *root = nullptr;

	weigh(
		row,
		[&](size_t i, size_t size) {
			void *node = tree.node(i % 3 ? root : nullptr, size);

			return i % 3 ? node : root = node;
		},
		[](size_t) { return OBJECT; });
}

/* Bytes from one node to the next in a pool, less the node's own. */
template <class Tree> static void tree_header(const Row &row)
{
	Tree tree;
	void *pool = tree.pool(4096);
	char *first = (char *)tree.node(pool, OBJECT);
	char *second = (char *)tree.node(pool, OBJECT);

	report(row, "", "B",
	       (double)labs((long)(second - first)) - (double)OBJECT);
	tree.free(pool);
}

template <class Cache> static void weigh_cache(const Row &row)
{
	Cache cache;

	weigh(
		row, [&](size_t, size_t) { return cache.get(); },
		[](size_t) { return sizeof(Crc); });
}

#endif
