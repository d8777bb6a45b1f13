/* SPDX-License-Identifier: MIT */
/*
 * mempool.cc - libmempool.
 */
#include <mempool.h>
#include <mempool.hpp>

#include "bulk.h"
#include "containers.h"
#include "loops.h"
#include "reserve.h"

template <enum mempool_threading THREADING>
static struct mempool_options options(size_t initial = 0)
{
	struct mempool_options o = {};

	o.threading = THREADING;
	o.initial = initial;
	return o;
}

template <enum mempool_threading THREADING> struct Fixed {
	struct Mine {
		mempool_fixed_t *pool;

		void *alloc(size_t)
		{
			return mempool_fixed_alloc(pool);
		}
		void free(void *p, size_t)
		{
			mempool_fixed_free(pool, p);
		}
	} handle;

	Fixed(size_t size)
	{
		struct mempool_options o = options<THREADING>();

		handle.pool = mempool_fixed_create(size, &o);
		if (!handle.pool)
			give_up("mempool_fixed_create");
	}
	~Fixed()
	{
		mempool_fixed_destroy(handle.pool);
	}
	Mine mine()
	{
		return handle;
	}
};

using Single = Fixed<MEMPOOL_SINGLE>;
using Locked = Fixed<MEMPOOL_LOCKED>;
using Local = Fixed<MEMPOOL_THREAD_LOCAL>;

template <enum mempool_threading THREADING> struct Bulk {
	Fixed<THREADING> fixed{ 64 };

	Bulk(unsigned)
	{
	}

	void take(void **objects, unsigned n)
	{
		if (mempool_fixed_alloc_bulk(fixed.handle.pool, objects, n))
			give_up("mempool_fixed_alloc_bulk");
	}
	void give(void **objects, unsigned n)
	{
		mempool_fixed_free_bulk(fixed.handle.pool, objects, n);
	}
};

template <enum mempool_threading THREADING> struct Var {
	struct Mine {
		mempool_var_t *pool;

		void *alloc(size_t size)
		{
			return mempool_var_alloc(pool, size);
		}
		void free(void *p, size_t)
		{
			mempool_var_free(pool, p);
		}
	} handle;

	Var(size_t)
	{
		struct mempool_options o = options<THREADING>();

		handle.pool = mempool_var_create(&o);
		if (!handle.pool)
			give_up("mempool_var_create");
	}
	~Var()
	{
		mempool_var_destroy(handle.pool);
	}
	Mine mine()
	{
		return handle;
	}
};

using VarSingle = Var<MEMPOOL_SINGLE>;
using VarLocked = Var<MEMPOOL_LOCKED>;
using VarLocal = Var<MEMPOOL_THREAD_LOCAL>;

/* With as much at once as a request gets, or growing. */
template <size_t INITIAL> struct Region {
	mempool_region_t *region;

	Region()
	{
		struct mempool_options o = options<MEMPOOL_SINGLE>(INITIAL);

		region = mempool_region_create(&o);
		if (!region)
			give_up("mempool_region_create");
	}
	~Region()
	{
		mempool_region_destroy(region);
	}
	void *alloc(size_t size)
	{
		return mempool_region_alloc(region, size);
	}
	void reset()
	{
		mempool_region_reset(region);
	}
};

using Request = Region<512 * 1024>;
using Growing = Region<0>;

struct Tree {
	void *node(void *parent, size_t size)
	{
		return mempool_tree_alloc(parent, size);
	}
	void *pool(size_t size)
	{
		return mempool_tree_pool(nullptr, size);
	}
	void free(void *root)
	{
		mempool_tree_free(root);
	}
};

struct Cache {
	mempool_cache_t *cache;

	static int construct(void *object, void *)
	{
		crc_construct((Crc *)object);
		return 0;
	}
	Cache()
	{
		struct mempool_cache_options o = {};

		o.base.threading = MEMPOOL_THREAD_LOCAL;
		o.construct = construct;
		cache = mempool_cache_create(sizeof(Crc), &o);
		if (!cache)
			give_up("mempool_cache_create");
	}
	~Cache()
	{
		mempool_cache_destroy(cache);
	}
	Crc *get()
	{
		return (Crc *)mempool_cache_get(cache, MEMPOOL_WAIT);
	}
	void put(Crc *crc)
	{
		mempool_cache_put(cache, crc);
	}
};

struct Source {
	mempool_t *pool;

	Source(source_alloc_t *alloc_fn, source_free_t *free_fn, void *data)
	    : pool(mempool_create(16, alloc_fn, free_fn, data))
	{
		if (!pool)
			give_up("mempool_create");
	}
	~Source()
	{
		mempool_destroy(pool);
	}
	void *alloc()
	{
		return mempool_alloc(pool, MEMPOOL_WAIT);
	}
	void free(void *object)
	{
		mempool_free(object, pool);
	}
};

struct Reserve {
	mempool_t *pool;

	Reserve(int n)
	    : pool(mempool_create(n, scarce_alloc, scarce_free, nullptr))
	{
		if (!pool)
			give_up("mempool_create");
	}
	void *take()
	{
		return mempool_alloc(pool, MEMPOOL_WAIT);
	}
	void give(void *object)
	{
		mempool_free(object, pool);
	}
};

using RegionResource = Released<mempool::region_resource>;

/* The nodes of a list of numbers; with the lock that its peers have, or none.
 */
template <enum mempool_threading THREADING> struct NodeResource {
	mempool::fixed_resource resource{ 3 * sizeof(void *),
					  options<THREADING>() };

	std::pmr::memory_resource *get()
	{
		return &resource;
	}
	void reset()
	{
	}
};

static const Row rows[] = {
	{ "fixed", "fixed_batch_64", "mempool", batch<Single> },
	{ "fixed", "fixed_random_64", "mempool", batch_random<Single> },
	{ "fixed", "fixed_pair_64", "mempool", pair<Single> },
	{ "locked", "locked_2_threads", "mempool", two_threads<Locked> },
	{ "local", "local_batch_64", "mempool", batch<Local> },
	{ "local", "local_pair_64", "mempool", pair<Local> },
	{ "local", "local_2_threads", "mempool", two_threads<Local> },
	{ "local", "local_across", "mempool", across<Local> },
	{ "var", "var_batch", "mempool", mixed_batch<VarSingle> },
	{ "var", "var_replace", "mempool", mixed_replace<VarSingle> },
	{ "var", "var_locked_2_threads", "mempool",
	  mixed_two_threads<VarLocked> },
	{ "var", "var_local_2_threads", "mempool",
	  mixed_two_threads<VarLocal> },
	{ "region", "region_64", "mempool", requests<Request> },
	{ "region", "region_mixed", "mempool", requests_mixed<Request> },
	{ "tree", "tree_3", "mempool", three_objects<Tree> },
	{ "tree", "tree_3_batch", "mempool", three_objects_batch<Tree> },
	{ "cache", "cache_get_put", "mempool", get_put<Cache> },
	{ "mempool", "source_pair", "mempool", source_pair<Source> },
	{ "mempool", "source_batch", "mempool", source_batch<Source> },
	{ "mempool", "handoff", "mempool", handoff<Reserve> },
	{ "mempool", "crowd", "mempool", crowd<Reserve> },
	{ "container", "pmr_unordered_map", "mempool",
	  pmr_unordered_map<RegionResource> },
	{ "container", "pmr_list", "mempool",
	  pmr_list<NodeResource<MEMPOOL_SINGLE>> },
	{ "container", "pmr_list_locked", "mempool",
	  pmr_list<NodeResource<MEMPOOL_LOCKED>> },
	{ "container", "pmr_vectors", "mempool", pmr_vectors<RegionResource> },
	{ "memory", "memory_fixed_64", "mempool", weigh_objects<Single> },
	{ "memory", "memory_local_64", "mempool", weigh_objects<Local> },
	{ "memory", "memory_var", "mempool", weigh_mixed<VarSingle> },
	{ "memory", "memory_region_64", "mempool", weigh_region<Growing> },
	{ "memory", "memory_tree_64", "mempool", weigh_tree<Tree> },
	{ "memory", "tree_header", "mempool", tree_header<Tree> },
	{ "memory", "memory_cache_1024", "mempool", weigh_cache<Cache> },
	MATRIX("mempool", Bulk<MEMPOOL_THREAD_LOCAL>),
};

POOLS_MAIN(rows)
