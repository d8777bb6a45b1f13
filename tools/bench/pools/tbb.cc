/* SPDX-License-Identifier: MIT */
/*
 * tbb.cc - the scalable allocator of oneTBB.
 */
#include <tbb/scalable_allocator.h>

#include "loops.h"

struct Scalable : Shared<Scalable> {
	Scalable(size_t)
	{
	}
	void *alloc(size_t size)
	{
		return scalable_malloc(size);
	}
	void free(void *object, size_t)
	{
		scalable_free(object);
	}
};

static const Row rows[] = {
	{ "local", "local_batch_64", "tbb", batch<Scalable> },
	{ "local", "local_pair_64", "tbb", pair<Scalable> },
	{ "local", "local_2_threads", "tbb", two_threads<Scalable> },
	{ "local", "local_across", "tbb", across<Scalable> },
	{ "var", "var_local_2_threads", "tbb", mixed_two_threads<Scalable> },
	{ "memory", "memory_local_64", "tbb", weigh_objects<Scalable> },
};

POOLS_MAIN(rows)
