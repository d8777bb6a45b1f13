/* SPDX-License-Identifier: MIT */
/*
 * std.cc - libstdc++: the resources of std::pmr, and the allocators of ext/.
 */
#include <ext/mt_allocator.h>
#include <ext/pool_allocator.h>
#include <memory_resource>

#include "containers.h"
#include "loops.h"

/* The alignment is 16 everywhere, as malloc has it. */
template <class Resource> struct Pmr : Shared<Pmr<Resource>> {
	Resource resource;

	Pmr(size_t)
	{
	}
	void *alloc(size_t size)
	{
		return resource.allocate(size, 16);
	}
	void free(void *object, size_t size)
	{
		resource.deallocate(object, size, 16);
	}
};

using Unsynchronized = Pmr<std::pmr::unsynchronized_pool_resource>;
using Synchronized = Pmr<std::pmr::synchronized_pool_resource>;

struct Object {
	alignas(16) char bytes[OBJECT];
};

template <class Allocator> struct Ext : Shared<Ext<Allocator>> {
	Allocator allocator;

	Ext(size_t)
	{
	}
	void *alloc(size_t)
	{
		return allocator.allocate(1);
	}
	void free(void *object, size_t)
	{
		allocator.deallocate((Object *)object, 1);
	}
};

using Mt = Ext<__gnu_cxx::__mt_alloc<Object>>;
using PoolAlloc = Ext<__gnu_cxx::__pool_alloc<Object>>;

/* As large as a request gets, so that nothing comes from behind it. */
struct Monotonic {
	alignas(16) char buffer[512 * 1024];
	std::pmr::monotonic_buffer_resource resource{ buffer, sizeof(buffer) };

	void *alloc(size_t size)
	{
		return resource.allocate(size, 16);
	}
	void reset()
	{
		resource.release();
	}
};

/* Grows: it has no buffer of its own. */
struct Growing {
	std::pmr::monotonic_buffer_resource resource;

	void *alloc(size_t size)
	{
		return resource.allocate(size, 16);
	}
};

/* What a container takes without being told: operator new. */
struct Default {
	std::pmr::memory_resource *get()
	{
		return std::pmr::new_delete_resource();
	}
	void reset()
	{
	}
};

using Pool = Kept<std::pmr::unsynchronized_pool_resource>;
using LockedPool = Kept<std::pmr::synchronized_pool_resource>;
using Buffer = Released<std::pmr::monotonic_buffer_resource>;

static const Row rows[] = {
	{ "fixed", "fixed_batch_64", "pmr", batch<Unsynchronized> },
	{ "fixed", "fixed_random_64", "pmr", batch_random<Unsynchronized> },
	{ "fixed", "fixed_pair_64", "pmr", pair<Unsynchronized> },
	{ "locked", "locked_2_threads", "pmr", two_threads<Synchronized> },
	{ "locked", "locked_2_threads", "mt_alloc", two_threads<Mt> },
	{ "locked", "locked_2_threads", "pool_alloc", two_threads<PoolAlloc> },
	{ "var", "var_batch", "pmr", mixed_batch<Unsynchronized> },
	{ "var", "var_replace", "pmr", mixed_replace<Unsynchronized> },
	{ "var", "var_locked_2_threads", "pmr",
	  mixed_two_threads<Synchronized> },
	{ "region", "region_64", "pmr", requests<Monotonic> },
	{ "region", "region_mixed", "pmr", requests_mixed<Monotonic> },
	{ "container", "pmr_unordered_map", "default",
	  pmr_unordered_map<Default> },
	{ "container", "pmr_unordered_map", "pmr", pmr_unordered_map<Pool> },
	{ "container", "pmr_unordered_map", "monotonic",
	  pmr_unordered_map<Buffer> },
	{ "container", "pmr_list", "default", pmr_list<Default> },
	{ "container", "pmr_list", "pmr", pmr_list<Pool> },
	{ "container", "pmr_list", "monotonic", pmr_list<Buffer> },
	{ "container", "pmr_list_locked", "default", pmr_list<Default> },
	{ "container", "pmr_list_locked", "pmr", pmr_list<LockedPool> },
	{ "container", "pmr_vectors", "default", pmr_vectors<Default> },
	{ "container", "pmr_vectors", "pmr", pmr_vectors<Pool> },
	{ "container", "pmr_vectors", "monotonic", pmr_vectors<Buffer> },
	{ "memory", "memory_fixed_64", "pmr", weigh_objects<Unsynchronized> },
	{ "memory", "memory_fixed_64", "mt_alloc", weigh_objects<Mt> },
	{ "memory", "memory_fixed_64", "pool_alloc", weigh_objects<PoolAlloc> },
	{ "memory", "memory_var", "pmr", weigh_mixed<Unsynchronized> },
	{ "memory", "memory_region_64", "pmr", weigh_region<Growing> },
};

POOLS_MAIN(rows)
