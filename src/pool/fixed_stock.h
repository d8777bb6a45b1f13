/* SPDX-License-Identifier: MIT */
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

/* What is at an address; RAW and BUSY where objects are kept constructed. */
enum object_state {
	OBJECT_FOREIGN, /* in no span */
	OBJECT_INSIDE,	/* in a span, but not the start of an object */
	OBJECT_RAW,
	OBJECT_BUSY,
	OBJECT_LIVE,
	OBJECT_FREE,
};

enum { STOCK_INVERSE_SHIFT = 45 };

struct kept;

/*
 * `spans` are those with free objects.  free: the sum of their counts.
 * slots: pointers in a magazine, the one that stays empty included, a power of
 * two; 0: the objects are too large for magazines.  As many free objects are
 * kept when a span could go.  full: `fulls` magazines,
 * the last one first, linked through the slot that stays empty else.  kept:
 * objects stay constructed, see fixed_kept.h; only such ones are counted as
 * free and in capacity, and there is no depot.
 */
struct stock {
	struct blocks *blocks;
	struct kept *kept;	      /* NULL: objects have no state */
	struct stock *cells;	      /* for its magazines and fronts */
	const void *pool;	      /* an anchor for tools */
	const char *name;	      /* of the pool */
	bool watched, alone;	      /* alone: the only one of its pool */
	unsigned slots, fulls, class; /* class: in its pool */
	size_t size;		      /* from object to object */
	uint64_t inverse; /* 2^STOCK_INVERSE_SHIFT / size, rounded up */
	struct list spans;
	size_t capacity, free;
	size_t most_out; /* objects that were in no span and no depot */
	void **full;
};

/* An empty stock of objects of `size` bytes. */
void stock_init(struct stock *k, struct blocks *blocks, size_t size);

/*
 * Moves up to `want` free objects into objects[0..], lowest address of a span
 * first.  Returns how many; 0: none is free, see stock_grow().
 */
size_t stock_take(struct stock *k, void **objects, size_t want);

/* The same for one, NULL: none is free. */
void *stock_take_one(struct stock *k);

/* One more span.  False: memory is out, or objects must be constructed. */
bool stock_grow(struct stock *k);

/* One that is free, or of one more span; NULL: neither. */
void *stock_get(struct stock *k);

/*
 * Takes objects back.  One that is free already, or no object, ends the
 * program.
 */
void stock_give(struct stock *k, void *const *objects, size_t count);

/* The same for one. */
void stock_give_one(struct stock *k, void *object);

/* Whether `p` points at an object, free or not.  Any `p`. */
bool stock_owns(struct stock *k, const void *p);

/* Names what is wrong with a free of `p`, and aborts; returns if nothing is. */
void stock_accuse(struct stock *k, const void *p);

/* The free objects of one word of a span, which can be taken. */
uint64_t stock_bits(const struct stock *k, struct span *s, size_t w);

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

/* `n` free objects of a span leave the books. */
static inline void stock_took(struct stock *k, struct span *s, size_t n)
{
	s->free -= (uint32_t)n;
	k->free -= n;
	if (n && !s->free)
		list_del(&k->spans, &s->link);
}

static inline void stock_note_peak(struct stock *k)
{
	k->most_out = max_of(k->most_out, stock_out(k));
}

static inline char *stock_object(const struct stock *k, const struct span *s,
				 size_t i)
{
	return s->base + i * k->size;
}

/* The span around `p`; NULL: none of this stock's.  Any `p`. */
static inline struct span *stock_span(const struct stock *k, const void *p)
{
	return map_span(p, k);
}

/* Index of `p` in its span; what is no object's start gives s->objects. */
static inline size_t stock_index(const struct stock *k, const struct span *s,
				 const void *p)
{
	size_t offset = (size_t)((const char *)p - s->base), i;

	if (offset >> 22)
		return s->objects;
	i = offset * k->inverse >> STOCK_INVERSE_SHIFT;
	return i < s->objects && i * k->size == offset ? i : s->objects;
}

#endif
