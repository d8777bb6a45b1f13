/* SPDX-License-Identifier: MIT */
/*
 * tree_local.c - nodes' memory, and what a thread has of its own.
 *
 * With MEMPOOL_DEBUG=poison, freed nodes are filled and wait in a ring before
 * they go back; who writes to one is found out when it leaves the ring.
 */
#include "pool/tree_local.h"

#include <stdlib.h>
#include <string.h>

#include "heap/cache.h"
#include "mempool/small.h"
#include "pool/debug.h"
#include "pool/local.h"
#include "pool/start.h"

enum { BATCH = 64, RING = 1024 };

/* --- behind the stocks --- */

bool memory_watched;

static struct lock ring_lock = LOCK(RANK_TREE_RING);
static struct freed {
	void *p;
	size_t bytes;
} ring[RING];
static unsigned ring_next;

/* In units, unless each byte is watched. */
static size_t whole(size_t bytes)
{
	return memory_watched ? bytes : round_up(bytes, STOCK_UNIT);
}

void *memory_ask(size_t bytes)
{
	return mempool_small_alloc(whole(bytes));
}

/* The header stays: that it is a freed node's must be seen. */
static COLD void poison(struct freed *f)
{
	if (f->bytes > sizeof(node_t))
		debug_poison((node_t *)f->p + 1, f->bytes - sizeof(node_t));
}

static COLD void check_poison(const struct freed *f)
{
	if (f->bytes > sizeof(node_t))
		debug_check_poison((node_t *)f->p + 1,
				   f->bytes - sizeof(node_t), "tree");
}

static COLD void give_poisoned(struct freed f)
{
	struct freed oldest;

	poison(&f);
	lock_take(&ring_lock);
	oldest = ring[ring_next];
	ring[ring_next] = f;
	ring_next = (ring_next + 1) % RING;
	lock_release(&ring_lock);
	if (oldest.p) {
		check_poison(&oldest);
		mempool_small_free(oldest.p);
	}
}

void memory_fork(struct fork_table *t)
{
	fork_lock(t, RANK_TREE_RING, &ring_lock);
}

void memory_give(void *p, size_t bytes)
{
	if (unlikely(debug_flags & DEBUG_POISON))
		give_poisoned((struct freed){ p, bytes });
	else
		mempool_small_free(p);
}

void *memory_resize(void *p, size_t old, size_t bytes)
{
	void *to;

	if (likely(!(debug_flags & DEBUG_POISON)))
		return mempool_small_realloc(p, whole(bytes));
	to = mempool_small_alloc(bytes);
	if (to) {
		memcpy(to, p, min_of(old, bytes));
		memory_give(p, old);
	}
	return to;
}

/* --- a thread's stock and counts --- */

struct mempool_tree_local tree_nobody;
__thread struct mempool_tree_local *mempool_tree_local = &tree_nobody;

static int slot = -1;
static int64_t departed_live, departed_bytes; /* of threads that are gone */

void local_count_slow(int64_t nodes, int64_t bytes)
{
	__atomic_fetch_add(&departed_live, nodes, __ATOMIC_RELAXED);
	__atomic_fetch_add(&departed_bytes, bytes, __ATOMIC_RELAXED);
}

/*
 * The uppermost `some` of a list go back.  They leave the list first: a child
 * forked in between loses them, and does not give them back a second time.
 */
static void give_back(struct mempool_tree_local *l, size_t list, unsigned some)
{
	struct mempool_tree_stock *s = &l->stock[list];
	unsigned count = stock_count(s->word);

	stock_change(l, s, -(int)some);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	for (unsigned i = 1; i <= some; i++)
		memory_give(s->free[count - i], list * STOCK_UNIT);
}

static bool empty(struct mempool_tree_local *l)
{
	bool some = false;

	for (size_t list = 0; list < MEMPOOL_TREE_STOCKS; list++) {
		unsigned count = stock_count(l->stock[list].word);

		if (count) {
			give_back(l, list, count);
			some = true;
		}
	}
	return some;
}

void local_make_room(struct mempool_tree_local *l, size_t list)
{
	unsigned half = stock_count(l->stock[list].word) / 2;

	give_back(l, list, min_of(half, (unsigned)BATCH));
}

/* Only what its magazines have at hand. */
void local_refill(struct mempool_tree_local *l, size_t list)
{
	struct mempool_tree_stock *s = &l->stock[list];
	unsigned count = stock_count(s->word), before = count;
	void *p;

	if (list > STOCK_SMALL)
		return;
	while (count < min_of(s->most, (uint64_t)BATCH) &&
	       cache_pop(list * STOCK_UNIT, &p))
		s->free[count++] = p;
	stock_change(l, s, (int)(count - before));
}

bool local_empty(void)
{
	return empty(mempool_tree_local);
}

/* What a thread adds to the counts of tree 0. */
struct sum {
	int64_t nodes, bytes;
};

static void add(void *memory, void *arg)
{
	const struct mempool_tree_local *l = memory;
	struct sum *sum = arg;

	sum->nodes += __atomic_load_n(&l->live, __ATOMIC_RELAXED);
	sum->bytes += __atomic_load_n(&l->bytes, __ATOMIC_RELAXED);
	for (size_t list = 0; list < MEMPOOL_TREE_STOCKS; list++) {
		uint64_t word =
			__atomic_load_n(&l->stock[list].word, __ATOMIC_RELAXED);

		sum->nodes -= stock_count(word);
		sum->bytes += (int64_t)(word >> 16);
	}
}

static void leave(void *pool, void *memory)
{
	struct mempool_tree_local *l = memory;
	struct sum sum = { 0, 0 };

	(void)pool;
	if (mempool_tree_local == l)
		mempool_tree_local = &tree_nobody;
	empty(l);
	add(l, &sum);
	local_count_slow(sum.nodes, sum.bytes);
	free(l);
}

void local_prepare(void)
{
	start_library();
	memory_watched = debug_watched();
	slot = local_open(&tree_nobody, leave);
}

static uint32_t most_of(size_t list)
{
	if (list <= STOCK_SMALL)
		return STOCK_SMALL_NODES;
	return (uint32_t)(STOCK_LIST_BYTES / (list * STOCK_UNIT));
}

static struct mempool_tree_local *new_local(void)
{
	struct mempool_tree_local *l;
	node_t **slots;
	size_t all = 0;

	for (size_t list = 1; list < MEMPOOL_TREE_STOCKS; list++)
		all += most_of(list);
	l = calloc(1, sizeof(*l) + all * sizeof(*slots));
	if (!l)
		return NULL;
	slots = (node_t **)(l + 1);
	for (size_t list = 1; list < MEMPOOL_TREE_STOCKS; list++) {
		struct mempool_tree_stock *s = &l->stock[list];

		s->most = most_of(list);
		s->free = slots;
		slots += s->most;
	}
	return l;
}

COLD void local_begin(void)
{
	struct mempool_tree_local *l;

	if (slot < 0 || mempool_tree_local != &tree_nobody || memory_watched)
		return;
	l = new_local();
	if (!l)
		return;
	if (local_hang(slot, l))
		mempool_tree_local = l;
	else
		free(l);
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
	*bytes = (int64_t)((uint64_t)sum.bytes << 16) >> 16; /* modulo 2^48 */
}
