/* SPDX-License-Identifier: MIT */
/*
 * fixed_stock.c - the objects of one size of a pool: which are free.
 *
 * A magazine is filled from whole words of a bitmap, and goes down a run of
 * neighbours at a time, as in the heap's slabs.  The index of an object comes
 * from a multiplication: offset < 2^22 (spans) and size <= 2^22, or offset <
 * 2^16 (small spans) and size >= 8, so nothing overflows and nothing is lost.
 */
#include "pool/fixed_stock.h"

#include "base/fault.h"
#include "pool/debug.h"
#include "pool/fixed_kept.h"

void stock_init(struct stock *k, struct blocks *blocks, size_t size)
{
	k->blocks = blocks;
	k->size = size;
	k->inverse = ((uint64_t)1 << STOCK_INVERSE_SHIFT) / size + 1;
}

/* --- spans with free objects --- */

static void retire(struct stock *k, struct span *s)
{
	stock_took(k, s, s->objects);
	k->capacity -= s->objects;
	blocks_give(k->blocks, s);
}

bool stock_grow(struct stock *k)
{
	struct blocks *b = k->blocks;
	size_t words = bits_words(b->stride / k->size), n;
	struct span *s = k->kept ? NULL : blocks_take(b, k, 1, words);

	if (!s)
		return false;
	n = s->bytes / k->size;
	s->objects = s->free = (uint32_t)n;
	bits_fill(s->bits, 0, n, true);
	list_add(&k->spans, &s->link);
	k->capacity += n;
	k->free += n;
	for (size_t i = 0; unlikely(k->watched) && i < n; i++)
		debug_poison(stock_object(k, s, i), k->size);
	return true;
}

/* --- taking --- */

uint64_t stock_bits(const struct stock *k, struct span *s, size_t w)
{
	return k->kept ? s->bits[w] & kept_made(s)[w] : s->bits[w];
}

/* At most `want` objects of one word.  Returns how many. */
static size_t take_bits(const struct stock *k, struct span *s, size_t w,
			void **objects, size_t want)
{
	uint64_t bits = stock_bits(k, s, w), others = s->bits[w] ^ bits;
	size_t n = bits_take(&bits, stock_object(k, s, w * 64), k->size,
			     objects, 0, want);

	s->bits[w] = bits | others;
	return n;
}

size_t stock_take(struct stock *k, void **objects, size_t want)
{
	size_t n = 0;

	while (n < want && !list_empty(&k->spans)) {
		struct span *s = list_first(&k->spans, struct span, link);
		size_t before = n;

		while (n < want && n - before < s->free) {
			n += take_bits(k, s, s->hint, objects + n, want - n);
			s->hint += !stock_bits(k, s, s->hint);
		}
		stock_took(k, s, n - before);
	}
	return n;
}

void *stock_take_one(struct stock *k)
{
	struct span *s = list_first(&k->spans, struct span, link);
	uint64_t bits;
	void *object;

	if (unlikely(!s))
		return NULL;
	while (!(bits = stock_bits(k, s, s->hint)))
		s->hint++;
	object = stock_object(k, s,
			      s->hint * 64 + (size_t)__builtin_ctzll(bits));
	s->bits[s->hint] ^= bits & -bits;
	stock_took(k, s, 1);
	return object;
}

void *stock_get(struct stock *k)
{
	void *object = stock_take_one(k);

	return object || !stock_grow(k) ? object : stock_take_one(k);
}

/* --- giving --- */

/* Any `p`. */
static enum object_state state_of(struct stock *k, const void *p)
{
	struct span *s = stock_span(k, p);
	bool unused;
	size_t i;

	if (!s)
		return OBJECT_FOREIGN;
	i = stock_index(k, s, p);
	if (i == s->objects)
		return OBJECT_INSIDE;
	unused = bits_has(s->bits, i);
	if (k->kept && !bits_has(kept_made(s), i))
		return unused ? OBJECT_RAW : OBJECT_BUSY;
	return unused ? OBJECT_FREE : OBJECT_LIVE;
}

bool stock_owns(struct stock *k, const void *p)
{
	return state_of(k, p) > OBJECT_INSIDE;
}

/* In the words of the family. */
COLD void stock_accuse(struct stock *k, const void *p)
{
	static const char *const what[][2] = {
		[OBJECT_FOREIGN] = { "no object of this pool is there",
				     "the address is in no block of this "
				     "cache" },
		[OBJECT_INSIDE] = { "it is not the start of an object",
				    "the address is inside an object, not its "
				    "start" },
		[OBJECT_RAW] = { NULL, "no object is made at this address" },
		[OBJECT_BUSY] = { NULL, "no object is made at this address" },
		[OBJECT_FREE] = { "it is free already",
				  "the object is free already" },
	};
	enum object_state state = state_of(k, p);

	if (state == OBJECT_FREE)
		fault_pool(k->kept ? "double put" : "double free", p, k->name,
			   what[state][k->kept != NULL]);
	if (state != OBJECT_LIVE)
		fault_pool(k->kept ? "invalid put" : "invalid free", p, k->name,
			   what[state][k->kept != NULL]);
}

/* Keeps enough for the next magazine; and what a tool looks at. */
static bool retire_if_idle(struct stock *k, struct span *s)
{
	bool idle = !k->kept && !k->watched && k->free - s->free > k->slots;

	if (idle)
		retire(k, s);
	return idle;
}

/*
 * Takes back the first of the objects, and those after it whose bits are beside
 * its own.  Returns how many.  *at is their span, as long as it is there.
 */
static inline __attribute__((always_inline)) size_t
give_run(struct stock *k, struct span **at, void *const *objects, size_t count)
{
	struct span *s = *at;
	uint64_t bits, wrong;
	unsigned index, n;
	size_t w;

	if (!s || (size_t)((char *)objects[0] - s->base) >= s->bytes)
		s = *at = stock_span(k, objects[0]);
	index = s ? (unsigned)stock_index(k, s, objects[0]) : 0;
	if (unlikely(!s) || unlikely(index == s->objects))
		stock_accuse(k, objects[0]);
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): not accused */
	n = bits_together(k->size, s->objects, objects, count, &index);
	bits = likely(n == 1) ? (uint64_t)1 << index % 64
			      : bits_run(index % 64, n);
	w = index / 64;
	wrong = s->bits[w] & bits;
	if (k->kept)
		wrong |= ~kept_made(s)[w] & bits;
	for (unsigned i = 0; unlikely(wrong) && i < n; i++)
		stock_accuse(k, objects[i]);
	s->bits[w] |= bits;
	if (!s->free)
		list_add(&k->spans, &s->link);
	s->free += n;
	k->free += n;
	if (s->hint > w)
		s->hint = (uint32_t)w;
	if (unlikely(s->free == s->objects) && retire_if_idle(k, s))
		*at = NULL;
	return n;
}

void stock_give(struct stock *k, void *const *objects, size_t count)
{
	struct span *s = NULL;

	for (size_t i = 0; i < count;)
		i += give_run(k, &s, objects + i, count - i);
}

void stock_give_one(struct stock *k, void *object)
{
	struct span *s = NULL;

	give_run(k, &s, &object, 1);
}

void stock_trim(struct stock *k)
{
	list_for_each_safe(struct span, s, &k->spans, link)
		if (s->free == s->objects)
			retire(k, s);
}
