/* SPDX-License-Identifier: MIT */
/*
 * apr.cc - the pools of the Apache Portable Runtime.
 */
#include <apr_general.h>
#include <apr_pools.h>

#include "loops.h"

struct Pool {
	apr_pool_t *pool = nullptr;

	Pool()
	{
		if (apr_initialize() || apr_pool_create(&pool, nullptr))
			give_up("apr_pool_create");
	}
	~Pool()
	{
		apr_terminate();
	}
	void *alloc(size_t size)
	{
		return apr_palloc(pool, size);
	}
	void reset()
	{
		apr_pool_clear(pool);
	}
};

static const Row rows[] = {
	{ "region", "region_64", "apr", requests<Pool> },
	{ "region", "region_mixed", "apr", requests_mixed<Pool> },
	{ "memory", "memory_region_64", "apr", weigh_region<Pool> },
};

POOLS_MAIN(rows)
