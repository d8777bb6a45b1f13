/* SPDX-License-Identifier: MIT */
/*
 * region.h - a region, as its parts see it.
 */
#ifndef POOL_REGION_H
#define POOL_REGION_H

#include "base/list.h"
#include "mempool/region.h"
#include "pool/pool.h"

/* Kept blocks by size: 2^n pages, and those larger than the largest. */
enum { REGION_BINS = 12 };

/* Of pool.alive: here, so that a call needs no load for it. */
enum { REGION_MARK = 0x72656769 };

extern HIDDEN const struct roster_kind region_kind;

/*
 * Head of a block.  In a chain: memory for small allocations, one after the
 * other; or the block of one allocation.
 */
struct region_block {
	struct region_block *older, *newer;
	size_t bytes; /* of the block, this head included */
	char *start;  /* of its memory, up to the block's end */
	char *top;    /* end of what is used; the chain's current: head.next */
	uint64_t order; /* of one allocation: when it was taken */
};

/*
 * How much the resets of late had used, to know how much to keep.
 * second <= most, of the present window; kept comes from the last one.
 */
struct region_use {
	size_t now,
		peak; /* bytes of blocks: in use, and most since the reset */
	size_t most, second, kept;
	unsigned resets; /* in the window */
};

/* One allocation of a watched region. */
struct region_object {
	char *p;
	size_t bytes;
	uint64_t order;
};

/*
 * The chain goes from `first`, which holds the region itself, by `newer` to
 * `last`; blocks after `current` are empty.  What is in use ends at
 * head.next, and what is free at limit; head.end
 * is limit, or head.next in a watched region, so that every call takes the
 * slow path.  Single blocks in use are in `own`, the newest first; kept ones
 * in `spare`, by size.  chain.now and own.now count blocks in use; held_bytes
 * counts all.  Owner: one thread at a time; no lock.
 */
struct region {
	struct mempool_region head;
	struct pool pool;
	bool watched, cleaning;
	char *start, *limit; /* of the current block's memory */
	char *marked;	     /* what lies before keeps its place for a mark */
	struct region_block *first, *last, *current;
	struct region_block *own, *spare[REGION_BINS];
	struct list cleanups; /* the latest first */
	uint64_t clock;	      /* ticks for whatever has an order */
	struct mempool_pages *pages;
	size_t most_bytes, held_bytes, chain_bytes, spare_bytes;
	size_t full_bytes; /* used in the blocks before `current` */
	size_t own_bytes;  /* used in single blocks */
	size_t peak_bytes; /* of what is used */
	struct region_use chain_use, own_use;
	uint64_t refills, failures;

	/* Of a watched region.  pool.owner: who is in a call; NULL: nobody. */
	struct region_object *objects;
	size_t object_count, object_room;
	unsigned depth; /* of calls */
};

/*
 * `size` bytes at a multiple of `align`, which is at least the region's own.
 * NULL with ENOMEM.
 */
void *region_take(struct region *r, size_t size, size_t align);

/*
 * Bytes.  Also for statistics, when the region's thread may be at work: of
 * words that do not fit together the current block's share is left out.
 */
__attribute__((no_sanitize("thread"))) static inline size_t
region_used(const volatile struct region *r)
{
	size_t here = (size_t)(r->head.next - r->start);
	size_t room = (size_t)(r->limit - r->start);

	return r->full_bytes + r->own_bytes + (here <= room ? here : 0);
}

/* NULL for NULL; ends the program when it is none. */
static inline struct region *region_of(const mempool_region_t *region)
{
	struct region *r = (struct region *)(uintptr_t)region;

	if (unlikely(r && r->pool.alive != REGION_MARK))
		pool_refuse(&r->pool, &region_kind, r);
	return r;
}

#endif
