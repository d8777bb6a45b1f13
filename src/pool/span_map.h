/* SPDX-License-Identifier: MIT */
/*
 * span_map.h - whose a page is: of all pools, one map.
 *
 * Two loads from an address to the stock that its object is of, and the span
 * that it lies in, wherever the memory came from and whatever the address is:
 * a pointer of somebody else's, or of nobody's, is told as quickly.
 *
 * Who has a page writes its entries, under its own lock; anyone reads them.  An
 * entry's stock, compared and not followed, is right for any address.  What it
 * leads to is there for as long as the object is, or for the owner's lock.
 */
#ifndef POOL_SPAN_MAP_H
#define POOL_SPAN_MAP_H

#include "base/common.h"

enum {
	MAP_PAGE_SHIFT = 12, /* no page of Linux is smaller */
	MAP_LEAF_SHIFT = 18, /* a leaf is of 1 GiB */
	MAP_ADDRESS_BITS = 48,
};

struct stock;
struct span;

/* All zeros: nobody's. */
struct map_entry {
	struct stock *stock;
	struct span *span;
};

extern HIDDEN struct map_entry
	*map_leaves[1 << (MAP_ADDRESS_BITS - MAP_LEAF_SHIFT - MAP_PAGE_SHIFT)];

/* The entry of the page around `p`; NULL: nobody's.  Any thread, no lock. */
static inline const struct map_entry *map_entry(const void *p)
{
	uintptr_t page = (uintptr_t)p >> MAP_PAGE_SHIFT;
	const struct map_entry *leaf;

	if (unlikely(page >> (MAP_ADDRESS_BITS - MAP_PAGE_SHIFT)))
		return NULL;
	/* Pairs with the exchange in leaf_of(). */
	leaf = __atomic_load_n(&map_leaves[page >> MAP_LEAF_SHIFT],
			       __ATOMIC_ACQUIRE);
	if (unlikely(!leaf))
		return NULL;
	return leaf + (page & (((uintptr_t)1 << MAP_LEAF_SHIFT) - 1));
}

/* The stock that the page around `p` is of; NULL: none. */
static inline struct stock *map_stock(const void *p)
{
	const struct map_entry *e = map_entry(p);

	return likely(e) ? __atomic_load_n(&e->stock, __ATOMIC_RELAXED) : NULL;
}

/* The span around `p`, if it is of the stock; NULL: it is not. */
static inline struct span *map_span(const void *p, const struct stock *k)
{
	const struct map_entry *e = map_entry(p);
	struct span *s;

	if (unlikely(!e) ||
	    unlikely(__atomic_load_n(&e->stock, __ATOMIC_RELAXED) != k))
		return NULL;
	s = __atomic_load_n(&e->span, __ATOMIC_RELAXED);
	if (!s)
		__builtin_unreachable(); /* so callers test once */
	return s;
}

/* Whole pages.  False: memory is out, and nothing has changed. */
bool map_set(const void *pages, size_t bytes, struct stock *k, struct span *s);
void map_clear(const void *pages, size_t bytes);

#endif
