/* SPDX-License-Identifier: MIT */
/*
 * fixed_kept.c - spans of objects that stay constructed while they are free.
 *
 * A span is a power of two, and aligned to it.  (Objects above 4 MiB lie in a
 * block each, which is aligned to 4 MiB.)
 */
#include "pool/fixed_kept.h"

#include "base/sys.h"

enum {
	SHIFT_LEAST = 14,     /* 16 KiB */
	SHIFT_MOST = 22,      /* 4 MiB, as pages_take() aligns */
	WORTHWHILE = 8,	      /* objects of a span, if they are not too large */
	BLOCK_MOST = 1 << 20, /* they live long, and a block with one stays */
};

/* --- spans --- */

bool kept_init(struct stock *k, struct kept *h, struct blocks *b, size_t size,
	       size_t align)
{
	unsigned shift = SHIFT_LEAST;
	size_t span;

	if (size > PTRDIFF_MAX / 2)
		return false;
	while (shift < SHIFT_MOST && (((size_t)1 << shift) < align ||
				      ((size_t)1 << shift) / WORTHWHILE < size))
		shift++;
	span = (size_t)1 << shift;
	blocks_init(b, max_of(span, round_up(size, sys_page())), span);
	b->most = b->stride > span ? b->stride : BLOCK_MOST;
	stock_init(k, b, size);
	h->objects = (unsigned)(b->stride / size);
	k->kept = h;
	return true;
}

bool kept_grow(struct stock *k)
{
	struct kept *h = k->kept;
	struct span *s = blocks_take(k->blocks, k, 1, 2 * kept_words(h));

	if (!s)
		return false;
	s->raw = s->objects = h->objects;
	bits_fill(s->bits, 0, h->objects, true);
	list_add(&h->raws, &s->raws);
	h->raw += h->objects;
	return true;
}

size_t kept_trim(struct stock *k)
{
	struct kept *h = k->kept;

	list_for_each_safe(struct span, s, &h->raws, raws) {
		if (s->raw != h->objects)
			continue;
		list_del(&h->raws, &s->raws);
		h->raw -= h->objects;
		blocks_give(k->blocks, s);
	}
	return blocks_trim(k->blocks);
}

/* --- objects --- */

void *kept_take_raw(struct stock *k)
{
	struct kept *h = k->kept;
	struct span *s = list_first(&h->raws, struct span, raws);
	uint32_t *w;
	uint64_t raw;

	if (!s)
		return NULL;
	w = &s->raw_hint;
	while (!(raw = s->bits[*w] & ~kept_made(s)[*w]))
		++*w;
	s->bits[*w] ^= raw & -raw;
	h->raw--;
	if (!--s->raw)
		list_del(&h->raws, &s->raws);
	return stock_object(k, s, *w * 64 + (unsigned)__builtin_ctzll(raw));
}

void kept_mark_live(struct stock *k, const void *object)
{
	struct span *s = stock_span(k, object);
	size_t i = stock_index(k, s, object);

	bits_set(kept_made(s), i);
	k->capacity++;
	stock_note_peak(k);
}

void kept_mark_raw(struct stock *k, const void *object)
{
	struct kept *h = k->kept;
	struct span *s = stock_span(k, object);
	size_t i = stock_index(k, s, object);

	bits_set(s->bits, i);
	s->raw_hint = min_of(s->raw_hint, (uint32_t)(i / 64));
	if (!s->raw++)
		list_add(&h->raws, &s->raws);
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
	size_t raws = 0, raw = 0, made = 0;

	blocks_each_span(s, k->blocks) {
		size_t here = 0;

		*where = s->base;
		for (unsigned w = 0; w < kept_words(h); w++) {
			uint64_t is_raw = s->bits[w] & ~kept_made(s)[w];

			if (is_raw && w < s->raw_hint)
				return "a raw object below the hint";
			here += (size_t)__builtin_popcountll(is_raw);
		}
		if (here != s->raw)
			return "a span's raw objects are miscounted";
		if (list_has(&h->raws, &s->raws) != (here != 0))
			return "a span is in the wrong list";
		made += bits_count(kept_made(s), kept_words(h));
		raw += here;
		raws += here != 0;
	}
	*where = k;
	if (raw != h->raw || made != k->capacity)
		return "the sums differ from the spans";
	return list_check(&h->raws, raws);
}
