/* SPDX-License-Identifier: MIT */
/*
 * tree_memory.c - where nodes get their memory from: the slow half.
 *
 * With MEMPOOL_DEBUG=poison, freed nodes are filled and wait in a ring before
 * they go back; who writes to one is found out when it leaves the ring.
 */
#include "pool/tree_memory.h"

#include <string.h>

#include "mempool/small.h"
#include "pool/debug.h"
#include "pool/start.h"

enum { RING = 1024 };

bool memory_watched;

static struct lock ring_lock = LOCK(RANK_TREE_RING);
static struct freed {
	void *p;
	size_t bytes;
} ring[RING];
static unsigned ring_next;

void memory_start(void)
{
	start_library();
	memory_watched = debug_watched();
}

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
