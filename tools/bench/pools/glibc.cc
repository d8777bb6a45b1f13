/* SPDX-License-Identifier: MIT */
/*
 * glibc.cc - what programs do without a pool library: malloc and free, obstack,
 * and a pool of a mutex and a condition variable.  The ratios' common base.
 */
#include <obstack.h>

#include "bulk.h"
#include "loops.h"
#include "reserve.h"

struct Malloc : Shared<Malloc> {
	Malloc(size_t)
	{
	}
	void *alloc(size_t size)
	{
		return malloc(size);
	}
	void free(void *object, size_t)
	{
		::free(object);
	}
};

struct MallocRegion {
	std::vector<void *> objects;

	void *alloc(size_t size)
	{
		objects.push_back(malloc(size));
		return objects.back();
	}
	void reset()
	{
		for (void *object : objects)
			free(object);
		objects.clear();
	}
};

#define obstack_chunk_alloc malloc
#define obstack_chunk_free  free

struct Obstack {
	struct obstack stack;
	void *first;

	Obstack()
	{
		obstack_init(&stack);
		first = obstack_alloc(&stack, 1);
	}
	void *alloc(size_t size)
	{
		return obstack_alloc(&stack, size);
	}
	void reset()
	{
		obstack_free(&stack, first);
		first = obstack_alloc(&stack, 1);
	}
};

/* A node of a tree as programs write it by hand; the children in a list. */
struct MallocTree {
	struct Node {
		Node *child, *next;
	};

	void *node(void *parent, size_t size)
	{
		Node *n = (Node *)malloc(sizeof(Node) + size);

		n->child = n->next = nullptr;
		if (parent) {
			Node *p = (Node *)parent - 1;

			n->next = p->child;
			p->child = n;
		}
		return n + 1;
	}
	static void free_node(Node *n)
	{
		for (Node *child = n->child, *next; child; child = next) {
			next = child->next;
			free_node(child);
		}
		::free(n);
	}
	void free(void *root)
	{
		free_node((Node *)root - 1);
	}
};

struct Constructed {
	Crc *get()
	{
		Crc *crc = (Crc *)malloc(sizeof(Crc));

		crc_construct(crc);
		return crc;
	}
	void put(Crc *crc)
	{
		free(crc);
	}
};

/* The source itself, through the same two pointers as a mempool has them. */
struct Bare {
	source_alloc_t *alloc_fn;
	source_free_t *free_fn;
	void *data;

	Bare(source_alloc_t *alloc_with, source_free_t *free_with, void *arg)
	    : alloc_fn(alloc_with), free_fn(free_with), data(arg)
	{
		forget(*this);
	}
	void *alloc()
	{
		return alloc_fn(0, data);
	}
	void free(void *object)
	{
		free_fn(object, data);
	}
};

struct Condition {
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t given = PTHREAD_COND_INITIALIZER;
	std::vector<void *> objects;

	Condition(unsigned n)
	{
		while (n--)
			objects.push_back(malloc(64));
	}
	void *take()
	{
		void *object;

		pthread_mutex_lock(&lock);
		while (objects.empty())
			pthread_cond_wait(&given, &lock);
		object = objects.back();
		objects.pop_back();
		pthread_mutex_unlock(&lock);
		return object;
	}
	void give(void *object)
	{
		pthread_mutex_lock(&lock);
		objects.push_back(object);
		pthread_mutex_unlock(&lock);
		pthread_cond_signal(&given);
	}
};

static const Row rows[] = {
	{ "fixed", "fixed_batch_64", "glibc", batch<Malloc> },
	{ "fixed", "fixed_random_64", "glibc", batch_random<Malloc> },
	{ "fixed", "fixed_pair_64", "glibc", pair<Malloc> },
	{ "locked", "locked_2_threads", "glibc", two_threads<Malloc> },
	{ "local", "local_batch_64", "glibc", batch<Malloc> },
	{ "local", "local_pair_64", "glibc", pair<Malloc> },
	{ "local", "local_2_threads", "glibc", two_threads<Malloc> },
	{ "local", "local_across", "glibc", across<Malloc> },
	{ "var", "var_batch", "glibc", mixed_batch<Malloc> },
	{ "var", "var_replace", "glibc", mixed_replace<Malloc> },
	{ "var", "var_locked_2_threads", "glibc", mixed_two_threads<Malloc> },
	{ "var", "var_local_2_threads", "glibc", mixed_two_threads<Malloc> },
	{ "region", "region_64", "glibc", requests<MallocRegion> },
	{ "region", "region_mixed", "glibc", requests_mixed<MallocRegion> },
	{ "region", "region_64", "obstack", requests<Obstack> },
	{ "region", "region_mixed", "obstack", requests_mixed<Obstack> },
	{ "tree", "tree_3", "glibc", three_objects<MallocTree> },
	{ "tree", "tree_3_batch", "glibc", three_objects_batch<MallocTree> },
	{ "cache", "cache_get_put", "glibc", get_put<Constructed> },
	{ "mempool", "source_pair", "glibc", source_pair<Bare> },
	{ "mempool", "source_batch", "glibc", source_batch<Bare> },
	{ "mempool", "handoff", "glibc", handoff<Condition> },
	{ "mempool", "crowd", "glibc", crowd<Condition> },
	{ "memory", "memory_fixed_64", "glibc", weigh_objects<Malloc> },
	{ "memory", "memory_local_64", "glibc", weigh_objects<Malloc> },
	{ "memory", "memory_var", "glibc", weigh_mixed<Malloc> },
	{ "memory", "memory_tree_64", "glibc", weigh_tree<MallocTree> },
	{ "memory", "memory_region_64", "glibc", weigh_objects<Malloc> },
	{ "memory", "memory_region_64", "obstack", weigh_region<Obstack> },
	{ "memory", "memory_cache_1024", "glibc", weigh_cache<Constructed> },
	MATRIX("glibc", OneByOne<Malloc>),
};

POOLS_MAIN(rows)
