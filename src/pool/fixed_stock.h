/*
 * fixed_stock.h - the objects of one size of a pool: which are free.
 *
 * Free objects stand in bitmaps, in the spans, but for full magazines that are
 * kept for whoever runs dry next (Bonwick and Adams, "Magazines and Vmem",
 * USENIX 2001).
 *
 * Every function is called with the pool's lock held.
 */
#ifndef POOL_FIXED_STOCK_H
#define POOL_FIXED_STOCK_H

#include "pool/fixed_blocks.h"

/*
 * `spans` are those with free objects.  free: the sum of their counts.
 * slots: pointers in a magazine, the one that stays empty included, a power of
 * two; 0: the objects are too large for magazines.  full: `fulls` magazines,
 * the last one first, linked through the slot that stays empty else.
 */
struct stock {
	struct blocks *blocks;
	const void *pool;	      /* an anchor for tools */
	const char *name;	      /* of the pool */
	bool watched, alone;	      /* alone: the only one of its pool */
	unsigned slots, fulls, class; /* class: in its pool */
	size_t size;		      /* from object to object */
	size_t first;	  /* bytes before the first object of a span */
	uint64_t inverse; /* 2^INVERSE_SHIFT / size, rounded up */
	struct list spans;
	size_t capacity, free;
	size_t most_out; /* objects that were in no span and no depot */
	void **full;
};

/* size and blocks->align are set; prepares the rest. */
void stock_init(struct stock *k, size_t align);

/* Objects of a span of `bytes`. */
size_t stock_objects(const struct stock *k, size_t bytes);

/*
 * Moves up to `want` free objects into objects[0..], lowest address of a span
 * first.  Returns how many; 0: none is free, see stock_grow().
 */
size_t stock_take(struct stock *k, void **objects, size_t want);

/* One more span.  False: memory is out. */
bool stock_grow(struct stock *k);

/*
 * Takes objects back.  One that is free already, or no object, ends the
 * program.
 */
void stock_give(struct stock *k, void *const *objects, size_t count);

/* Whether `p` points at an object, free or not.  Any `p`. */
bool stock_owns(struct stock *k, const void *p);

/* Names what is wrong with a free of `p`, and aborts; returns if nothing is. */
void stock_accuse(struct stock *k, const void *p);

/* Has all wholly free spans become spare. */
void stock_trim(struct stock *k);

static inline size_t stock_in_depot(const struct stock *k)
{
	return k->fulls ? k->fulls * (size_t)(k->slots - 1) : 0;
}

/* With users, and in magazines of threads. */
static inline size_t stock_out(const struct stock *k)
{
	return k->capacity - k->free - stock_in_depot(k);
}

#endif
