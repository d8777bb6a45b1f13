/* SPDX-License-Identifier: MIT */
/*
 * fixed_kept.h - spans of objects that stay constructed while they are free.
 *
 * A second plane of bits, behind the first, says which are constructed.
 *
 *   bits made
 *    1    0    raw: memory, not constructed
 *    0    0    busy: its constructor or destructor is at work
 *    0    1    live: with the user, or in a front
 *    1    1    free: constructed, ready for the next user
 *
 * Every function is called with the pool's lock held, but for kept_owns().
 */
#ifndef POOL_FIXED_KEPT_H
#define POOL_FIXED_KEPT_H

#include "pool/fixed_stock.h"

/* Of a stock whose objects are kept.  raw: the sum over its spans. */
struct kept {
	struct list raws;
	size_t raw;
	unsigned objects; /* of a span */
};

/* How many times the planes' words. */
static inline unsigned kept_words(const struct kept *h)
{
	return (unsigned)bits_words(h->objects);
}

static inline uint64_t *kept_made(struct span *s)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): bits have one */
	return s->bits + bits_words(s->objects);
}

/*
 * Prepares a stock for objects of `size` bytes, and blocks, of which source and
 * limit are set, for it.  False: the size is too large.
 */
bool kept_init(struct stock *k, struct kept *h, struct blocks *b, size_t size,
	       size_t align);

/* One more span of raw objects.  False: the limit, or memory is out. */
bool kept_grow(struct stock *k);

/* A raw object becomes busy; NULL: there is none. */
void *kept_take_raw(struct stock *k);

/* A busy object becomes live, or raw. */
void kept_mark_live(struct stock *k, const void *object);
void kept_mark_raw(struct stock *k, const void *object);

/* The free objects of one word become busy.  Returns their bits. */
uint64_t kept_take_word(struct stock *k, struct span *s, unsigned w);

/* Gives spans back whose objects are all raw.  Returns the bytes. */
size_t kept_trim(struct stock *k);

/* What is wrong with the spans, and where; NULL: nothing. */
const char *kept_check(struct stock *k, const void **where);

/*
 * Whether `p` is the start of an object in some span: they are all aligned to
 * what they are long, or to the most that blocks are.  No lock: nothing is
 * asked of the header, which goes with the span.
 */
static inline bool kept_owns(const struct stock *k, const struct blocks *b,
			     const struct kept *h, const void *p)
{
	size_t offset = (uintptr_t)p & (b->align - 1);
	size_t i = offset * k->inverse >> STOCK_INVERSE_SHIFT;

	return likely(map_stock(p) == k) && likely(i * k->size == offset) &&
	       likely(i < h->objects);
}

#endif
