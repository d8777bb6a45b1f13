/*
 * tree_local.c - what a thread has of its own: begin, end, sum.
 */
#include "pool/tree_local.h"

#include <stdlib.h>
#include <string.h>

#include "heap/cache.h"
#include "pool/local.h"
#include "pool/tree_memory.h"

enum { BATCH = 64 };

struct tree_local tree_nobody;
__thread struct tree_local *tree_local = &tree_nobody;

static int slot = -1;
static int64_t departed_live, departed_bytes; /* of threads that are gone */

void local_count_slow(int64_t nodes, int64_t bytes)
{
	__atomic_fetch_add(&departed_live, nodes, __ATOMIC_RELAXED);
	__atomic_fetch_add(&departed_bytes, bytes, __ATOMIC_RELAXED);
}

static bool empty(struct tree_local *l)
{
	bool some = false;

	for (size_t list = 0; list < STOCK_LISTS; list++) {
		struct stock *s = &l->stock[list];

		for (; s->count; some = true)
			memory_give(s->free[--s->count], list * STOCK_UNIT);
	}
	return some;
}

void local_make_room(struct tree_local *l, size_t list)
{
	struct stock *s = &l->stock[list];
	uint32_t some = min_of(s->count / 2, (uint32_t)BATCH);

	for (uint32_t i = 0; i < some; i++)
		memory_give(s->free[s->count - 1 - i], list * STOCK_UNIT);
	s->count -= some;
}

/* Only what its magazines have at hand. */
void local_refill(struct tree_local *l, size_t list)
{
	struct stock *s = &l->stock[list];
	void *p;

	if (list > STOCK_SMALL)
		return;
	while (s->count < min_of(s->most, (uint32_t)BATCH) &&
	       cache_pop(list * STOCK_UNIT, &p))
		s->free[s->count++] = p;
}

bool local_empty(void)
{
	return empty(tree_local);
}

static void leave(void *pool, void *memory)
{
	struct tree_local *l = memory;

	(void)pool;
	if (tree_local == l)
		tree_local = &tree_nobody;
	empty(l);
	local_count_slow(l->live, l->bytes);
	free(l);
}

void local_prepare(void)
{
	slot = local_open(&tree_nobody, leave);
}

static uint32_t most_of(size_t list)
{
	if (list <= STOCK_SMALL)
		return STOCK_SMALL_NODES;
	return (uint32_t)(STOCK_LIST_BYTES / (list * STOCK_UNIT));
}

static struct tree_local *new_local(void)
{
	struct tree_local *l;
	struct node **slots;
	size_t all = 0;

	for (size_t list = 1; list < STOCK_LISTS; list++)
		all += most_of(list);
	l = calloc(1, sizeof(*l) + all * sizeof(l->slots[0]));
	if (!l)
		return NULL;
	slots = l->slots;
	for (size_t list = 1; list < STOCK_LISTS; list++) {
		struct stock *s = &l->stock[list];

		s->most = most_of(list);
		s->free = slots;
		slots += s->most;
	}
	return l;
}

COLD void local_begin(void)
{
	struct tree_local *l;

	if (slot < 0 || tree_local != &tree_nobody || memory_watched)
		return;
	l = new_local();
	if (!l)
		return;
	if (local_hang(slot, l))
		tree_local = l;
	else
		free(l);
}

struct sum {
	int64_t nodes, bytes;
};

static void add(void *memory, void *arg)
{
	const struct tree_local *l = memory;
	struct sum *sum = arg;

	sum->nodes += __atomic_load_n(&l->live, __ATOMIC_RELAXED);
	sum->bytes += __atomic_load_n(&l->bytes, __ATOMIC_RELAXED);
}

void local_sum(int64_t *nodes, int64_t *bytes)
{
	struct sum sum = {
		__atomic_load_n(&departed_live, __ATOMIC_RELAXED),
		__atomic_load_n(&departed_bytes, __ATOMIC_RELAXED),
	};

	if (slot >= 0)
		local_walk(slot, add, &sum);
	*nodes = sum.nodes;
	*bytes = sum.bytes;
}
