/* SPDX-License-Identifier: MIT */
/*
 * mimalloc.cc - a heap of mimalloc's in each thread.  The library, linked,
 * stands in for malloc too, which is why it has a program to itself.
 */
#include <mimalloc.h>

#include "loops.h"

struct Heap {
	mi_heap_t *heap = mi_heap_new();

	~Heap()
	{
		mi_heap_delete(heap);
	}
	void *alloc(size_t size)
	{
		return mi_heap_malloc(heap, size);
	}
	void free(void *object, size_t)
	{
		mi_free(object);
	}
};

struct Heaps {
	Heaps(size_t)
	{
	}
	Heap mine()
	{
		return {};
	}
};

static const Row rows[] = {
	{ "local", "local_batch_64", "mimalloc", batch<Heaps> },
	{ "local", "local_pair_64", "mimalloc", pair<Heaps> },
	{ "local", "local_2_threads", "mimalloc", two_threads<Heaps> },
	{ "local", "local_across", "mimalloc", across<Heaps> },
	{ "var", "var_local_2_threads", "mimalloc", mixed_two_threads<Heaps> },
	{ "memory", "memory_local_64", "mimalloc", weigh_objects<Heaps> },
};

POOLS_MAIN(rows)
