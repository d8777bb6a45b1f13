/* SPDX-License-Identifier: MIT */
/*
 * boost.cc - boost::pool, as it is and behind a mutex.
 */
#include <boost/pool/pool.hpp>
#include <mutex>

#include "loops.h"

struct Pool : Shared<Pool> {
	boost::pool<> pool;

	Pool(size_t size) : pool(size)
	{
	}
	void *alloc(size_t)
	{
		return pool.malloc();
	}
	void free(void *object, size_t)
	{
		pool.free(object);
	}
};

struct LockedPool : Shared<LockedPool> {
	std::mutex lock;
	boost::pool<> pool;

	LockedPool(size_t size) : pool(size)
	{
	}
	void *alloc(size_t)
	{
		std::lock_guard<std::mutex> guard(lock);

		return pool.malloc();
	}
	void free(void *object, size_t)
	{
		std::lock_guard<std::mutex> guard(lock);

		pool.free(object);
	}
};

static const Row rows[] = {
	{ "fixed", "fixed_batch_64", "boost", batch<Pool> },
	{ "fixed", "fixed_random_64", "boost", batch_random<Pool> },
	{ "fixed", "fixed_pair_64", "boost", pair<Pool> },
	{ "locked", "locked_2_threads", "boost", two_threads<LockedPool> },
	{ "memory", "memory_fixed_64", "boost", weigh_objects<Pool> },
};

POOLS_MAIN(rows)
