/* SPDX-License-Identifier: MIT */
/*
 * fixed_kept.h - spans of objects that stay constructed while they are free.
 *
 * A second plane of bits says which objects are constructed; and nothing but
 * objects lies in a span, whose header is elsewhere: a table finds it.
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

#include "base/hash.h"
#include "base/list.h"
#include "pool/fixed_stock.h"

/* A table that has become too small stays for those who may be reading it. */
struct kept_table {
	struct kept_table *older;
	struct hash hash;
	struct kept_entry {
		uintptr_t base;
		struct span *span;
	} entries[];
};

/*
 * Of a stock whose objects are kept.  raw: the sum over its spans.  got: the
 * bytes of each, as the source says.  overhead: those of headers and table.
 * recent: found last, or NULL.
 */
struct kept {
	struct list all, raws;
	size_t raw, got, overhead;
	unsigned objects; /* of a span */
	struct span *recent;
	struct kept_table *table;
};

/* How many times the planes' words. */
static inline unsigned kept_words(const struct kept *h)
{
	return (h->objects + 63) / 64;
}

/* All spans, in the order they came in; NULL after the last. */
static inline struct span *kept_first(const struct kept *h)
{
	return list_first(&h->all, struct span, apart.all);
}

static inline struct span *kept_next(const struct span *s)
{
	return list_next(s, struct span, apart.all);
}

static inline uint64_t *kept_made(struct span *s)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): bits have one */
	return s->bits + (s->objects + 63) / 64;
}

/*
 * Gives the stock, which is empty, spans of its own, and lays them out, before
 * stock_init(): its size, and source and limit of its blocks are set.  False:
 * the size is too large.
 */
bool kept_init(struct stock *k, struct kept *h, size_t align);

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

/* Gives all back, whatever state objects are in. */
void kept_end(struct stock *k);

/* What is wrong with the spans, and where; NULL: nothing. */
const char *kept_check(struct stock *k, const void **where);

/* The span that begins at `base`; NULL: none of ours. */
static inline struct span *kept_at(const struct kept *h, const char *base)
{
	const struct kept_entry *e =
		h->table ? hash_find(&h->table->hash, (uintptr_t)base) : NULL;

	return e ? e->span : NULL;
}

/* The span around `p`; NULL: none of ours. */
static inline struct span *kept_find(struct stock *k, const void *p)
{
	struct kept *h = k->kept;
	char *base = span_base(k->blocks, p);
	struct span *s = h->recent;

	if (likely(s) && likely(s->base == base))
		return s;
	s = kept_at(h, base);
	if (s)
		h->recent = s;
	return s;
}

/*
 * Whether `p` is the start of an object in some span.  Without the lock it may
 * miss one while spans come and go: then ask again with the lock.
 */
static inline bool kept_owns(const struct stock *k, const struct blocks *b,
			     const struct kept *h, const void *p)
{
	const void *base = span_base(b, p);
	size_t offset = (size_t)((const char *)p - (const char *)base);
	size_t i = offset * k->inverse >> STOCK_INVERSE_SHIFT;
	/* Pairs with the store in make_room(). */
	const struct kept_table *t =
		__atomic_load_n(&h->table, __ATOMIC_ACQUIRE);

	return i * k->size == offset && i < h->objects && t &&
	       hash_has(&t->hash, (uintptr_t)base);
}

#endif
