/* SPDX-License-Identifier: MIT */
/*
 * fixed_kept.c - spans of objects that stay constructed while they are free.
 *
 * All spans of a stock have one size, a power of two, and are aligned to it, so
 * an address without its low bits names the span.  (Objects above 4 MiB lie in
 * a span each, which is aligned to 4 MiB: its name is that of its start.)
 *
 * Headers and table come from malloc().  Growing asks for all of them first, so
 * that a failure changes nothing, and what else is done needs no memory.
 */
#include "pool/fixed_kept.h"

#include <stdlib.h>

#include "base/sys.h"
#include "base/tool.h"
#include "pool/pages.h"

enum {
	SHIFT_LEAST = 14, /* 16 KiB */
	SHIFT_MOST = 22,  /* 4 MiB, as pages_take() aligns */
	WORTHWHILE = 8,	  /* objects of a span, if they are not too large */
	SLOTS_FIRST = 8,  /* of the table */
};

/* --- spans --- */

bool kept_init(struct stock *k, struct kept *h, size_t align)
{
	struct blocks *b = k->blocks;
	unsigned shift = SHIFT_LEAST;

	if (k->size > PTRDIFF_MAX / 2)
		return false;
	while (shift < SHIFT_MOST &&
	       (((size_t)1 << shift) < align ||
		((size_t)1 << shift) / WORTHWHILE < k->size))
		shift++;
	b->align = (size_t)1 << shift;
	b->stride = max_of(b->align, round_up(k->size, sys_page()));
	h->objects = (unsigned)(b->stride / k->size);
	k->kept = h;
	return true;
}

static size_t header_bytes(const struct kept *h)
{
	return sizeof(struct span) + 2 * kept_words(h) * sizeof(uint64_t);
}

static struct span *new_header(struct stock *k)
{
	struct kept *h = k->kept;
	struct span *s = calloc(1, header_bytes(h));

	if (!s)
		return NULL;
	s->apart.raw = s->objects = h->objects;
	s->stock = k;
	for (unsigned i = 0; i < h->objects; i += 64)
		s->bits[i / 64] = h->objects - i < 64
					  ? ((uint64_t)1 << h->objects % 64) - 1
					  : UINT64_MAX;
	return s;
}

/* For one more in the table.  All older ones are smaller than the last. */
static bool make_room(struct kept *h)
{
	struct kept_table *old = h->table, *t;
	size_t slots = old ? 2 * old->hash.slots : SLOTS_FIRST;
	size_t bytes = sizeof *t + slots * sizeof *t->entries;

	if (old && !hash_is_full(&old->hash))
		return true;
	t = calloc(1, bytes);
	if (!t)
		return false;
	t->older = old;
	if (old)
		t->hash = old->hash;
	hash_move(&t->hash, t->entries, slots, sizeof *t->entries);
	h->overhead += bytes;
	/* Pairs with the load in kept_owns(). */
	__atomic_store_n(&h->table, t, __ATOMIC_RELEASE);
	return true;
}

static bool is_over_limit(const struct blocks *b)
{
	return b->limit &&
	       (b->held > b->limit || b->limit - b->held < b->stride);
}

bool kept_grow(struct stock *k)
{
	struct blocks *b = k->blocks;
	struct kept *h = k->kept;
	struct kept_entry *e;
	struct span *s;

	if (is_over_limit(b) || !make_room(h))
		return false;
	s = new_header(k);
	if (!s)
		return false;
	s->base = pages_take(b->source, b->stride, b->align, &h->got);
	if (!s->base) {
		free(s);
		return false;
	}
	tool_kept(s->base, h->got, true);
	e = hash_add(&h->table->hash, (uintptr_t)s->base);
	e->span = s;
	list_add_tail(&h->all, &s->apart.all);
	list_add(&h->raws, &s->apart.raws);
	h->raw += h->objects;
	h->overhead += header_bytes(h);
	b->held += h->got;
	b->used++;
	b->calls++;
	return true;
}

static void give_memory(struct stock *k, struct span *s)
{
	pages_give(k->blocks->source, s->base, k->kept->got);
	free(s);
}

size_t kept_trim(struct stock *k)
{
	struct kept *h = k->kept;
	struct blocks *b = k->blocks;
	size_t before = b->held;

	list_for_each_safe(struct span, s, &h->raws, apart.raws) {
		if (s->apart.raw != h->objects)
			continue;
		hash_del(&h->table->hash,
			 hash_find(&h->table->hash, (uintptr_t)s->base));
		list_del(&h->all, &s->apart.all);
		list_del(&h->raws, &s->apart.raws);
		h->raw -= h->objects;
		h->overhead -= header_bytes(h);
		b->held -= h->got;
		b->used--;
		give_memory(k, s);
	}
	h->recent = NULL;
	return before - b->held;
}

void kept_end(struct stock *k)
{
	struct kept *h = k->kept;

	list_for_each_safe(struct span, s, &h->all, apart.all)
		give_memory(k, s);
	for (struct kept_table *t = h->table, *older; t; t = older) {
		older = t->older;
		free(t);
	}
}

/* --- objects --- */

void *kept_take_raw(struct stock *k)
{
	struct kept *h = k->kept;
	struct span *s = list_first(&h->raws, struct span, apart.raws);
	uint32_t *w;
	uint64_t raw;

	if (!s)
		return NULL;
	w = &s->apart.raw_hint;
	while (!(raw = s->bits[*w] & ~kept_made(s)[*w]))
		++*w;
	s->bits[*w] ^= raw & -raw;
	h->raw--;
	if (!--s->apart.raw)
		list_del(&h->raws, &s->apart.raws);
	return stock_object(k, s, *w * 64 + (unsigned)__builtin_ctzll(raw));
}

void kept_mark_live(struct stock *k, const void *object)
{
	struct span *s = kept_find(k, object);
	size_t i = stock_index(k, s, object);

	kept_made(s)[i / 64] |= (uint64_t)1 << i % 64;
	k->capacity++;
	stock_note_peak(k);
}

void kept_mark_raw(struct stock *k, const void *object)
{
	struct kept *h = k->kept;
	struct span *s = kept_find(k, object);
	size_t i = stock_index(k, s, object);

	s->bits[i / 64] |= (uint64_t)1 << i % 64;
	s->apart.raw_hint = min_of(s->apart.raw_hint, (uint32_t)(i / 64));
	if (!s->apart.raw++)
		list_add(&h->raws, &s->apart.raws);
	h->raw++;
}

uint64_t kept_take_word(struct stock *k, struct span *s, unsigned w)
{
	uint64_t bits = s->bits[w] & kept_made(s)[w];
	unsigned n = (unsigned)__builtin_popcountll(bits);

	s->bits[w] ^= bits;
	kept_made(s)[w] ^= bits;
	k->capacity -= n;
	stock_took(k, s, n);
	return bits;
}

/* --- invariants --- */

const char *kept_check(struct stock *k, const void **where)
{
	struct kept *h = k->kept;
	size_t count = 0, raws = 0, raw = 0, made = 0;

	for (struct span *s = kept_first(h); s; s = kept_next(s)) {
		size_t here = 0;

		*where = s->base;
		for (unsigned w = 0; w < kept_words(h); w++) {
			uint64_t is_made = kept_made(s)[w];
			uint64_t is_raw = s->bits[w] & ~is_made;

			if (is_raw && w < s->apart.raw_hint)
				return "a raw object below the hint";
			here += (size_t)__builtin_popcountll(is_raw);
			made += (size_t)__builtin_popcountll(is_made);
		}
		if (here != s->apart.raw)
			return "a span's raw objects are miscounted";
		if (list_has(&h->raws, &s->apart.raws) != (here != 0))
			return "a span is in the wrong list";
		if (kept_at(h, s->base) != s)
			return "a span is not in the table";
		raw += here;
		raws += here != 0;
		count++;
	}
	*where = k;
	if (count != k->blocks->used || count * h->got != k->blocks->held ||
	    raw != h->raw || made != k->capacity)
		return "the sums differ from the spans";
	if (list_check(&h->all, count))
		return list_check(&h->all, count);
	return list_check(&h->raws, raws);
}
