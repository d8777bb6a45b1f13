/*
 * fixed_stock.c - the objects of one size of a pool: which are free.
 *
 * A magazine is filled from whole words of a bitmap, and goes down with the
 * bits of one word gathered in a register.  The index of an object comes from
 * a multiplication: offset < 2^22 (spans) and size <= 2^22, or offset < 2^16
 * (small spans) and size >= 8, so nothing overflows and nothing is lost.
 */
#include "pool/fixed_stock.h"

#include "base/fault.h"
#include "base/tool.h"
#include "pool/debug.h"

enum { INVERSE_SHIFT = 45 };

/* --- geometry --- */

static size_t header_bytes(size_t objects)
{
	return sizeof(struct span) + (objects + 63) / 64 * sizeof(uint64_t);
}

void stock_init(struct stock *k, size_t align)
{
	/* An upper bound of the objects gives one of the header. */
	size_t most = k->blocks->align / k->size + 1;

	k->first = round_up(header_bytes(most) + k->blocks->colors, align);
	k->inverse = ((uint64_t)1 << INVERSE_SHIFT) / k->size + 1;
}

size_t stock_objects(const struct stock *k, size_t bytes)
{
	/* Each begins where its address still leads to the header. */
	size_t most = (k->blocks->align - k->first - 1) / k->size + 1;

	if (bytes < k->first)
		return 0;
	return min_of(most, (bytes - k->first) / k->size);
}

static char *object_of(const struct stock *k, struct span *s, size_t i)
{
	return span_base(k->blocks, s) + k->first + i * k->size;
}

/* Index of `p` in its span; what is no object's start gives s->objects. */
static size_t index_of(const struct stock *k, const struct span *s,
		       const void *p)
{
	size_t offset =
		(size_t)((const char *)p - span_base(k->blocks, p)) - k->first;
	size_t i;

	if (offset >> 22)
		return s->objects;
	i = offset * k->inverse >> INVERSE_SHIFT;
	return i < s->objects && i * k->size == offset ? i : s->objects;
}

/* --- spans with free objects --- */

static void retire(struct stock *k, struct span *s)
{
	list_del(&k->spans, &s->link);
	k->free -= s->objects;
	k->capacity -= s->objects;
	blocks_give_span(k->blocks, s);
}

bool stock_grow(struct stock *k)
{
	size_t bytes;
	struct span *s = blocks_take_span(k->blocks, k, &bytes);
	size_t n;

	if (!s)
		return false;
	n = stock_objects(k, bytes);
	s->objects = s->free = (uint32_t)n;
	s->hint = 0;
	s->class = k->class;
	for (size_t w = 0; w < n / 64; w++)
		s->bits[w] = UINT64_MAX;
	if (n % 64)
		s->bits[n / 64] = ((uint64_t)1 << n % 64) - 1;
	list_add(&k->spans, &s->link);
	k->capacity += n;
	k->free += n;
	if (unlikely(k->watched)) {
		for (size_t i = 0; i < n; i++)
			debug_poison(object_of(k, s, i), k->size);
		tool_block(object_of(k, s, 0), n * k->size, true);
	}
	return true;
}

/* --- taking --- */

/* At most `want` objects of one word.  Returns how many. */
static size_t take_bits(const struct stock *k, struct span *s, size_t w,
			void **objects, size_t want)
{
	uint64_t bits = s->bits[w];
	char *base = object_of(k, s, w * 64);
	size_t n = 0;

	if (bits == UINT64_MAX && want >= 64) {
		for (; n < 64; n++)
			objects[n] = base + n * k->size;
		bits = 0;
	}
	for (; bits && n < want; bits &= bits - 1)
		objects[n++] = base + (size_t)__builtin_ctzll(bits) * k->size;
	s->bits[w] = bits;
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
			s->hint += !s->bits[s->hint];
		}
		s->free -= (uint32_t)(n - before);
		if (!s->free)
			list_del(&k->spans, &s->link);
	}
	k->free -= n;
	return n;
}

/* --- giving --- */

bool stock_owns(struct stock *k, const void *p)
{
	struct span *s = blocks_find(k->blocks, p);

	return s && s->stock == k && index_of(k, s, p) < s->objects;
}

void stock_accuse(struct stock *k, const void *p)
{
	struct span *s = blocks_find(k->blocks, p);
	size_t i;

	if (!s || s->stock != k)
		fault_pool("invalid free", p, k->name,
			   "no object of this pool is there");
	i = index_of(k, s, p);
	if (i == s->objects)
		fault_pool("invalid free", p, k->name,
			   "it is not the start of an object");
	if (s->bits[i / 64] >> i % 64 & 1)
		fault_pool("double free", p, k->name, "it is free already");
}

/* A word of a bitmap that is being changed. */
struct word {
	struct span *span;
	size_t index;
	uint64_t given; /* bits to set, none of which is set */
};

/* Puts the bits where they belong. */
static void settle(struct stock *k, const struct word *w)
{
	struct span *s = w->span;
	uint32_t n = (uint32_t)__builtin_popcountll(w->given);

	if (!n)
		return;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): bits have one */
	if (!s->free)
		list_add(&k->spans, &s->link);
	s->bits[w->index] |= w->given;
	s->free += n;
	k->free += n;
	if (s->hint > w->index)
		s->hint = (uint32_t)w->index;
}

/* Keeps enough for the next magazine; and what a tool looks at. */
static void retire_if_idle(struct stock *k, struct span *s)
{
	if (s->free == s->objects && k->free - s->free > k->slots &&
	    !k->watched)
		retire(k, s);
}

void stock_give(struct stock *k, void *const *objects, size_t count)
{
	struct word at = { NULL, 0, 0 };

	for (size_t n = 0; n < count; n++) {
		const void *p = objects[n];
		struct span *s = at.span;
		uint64_t bit;
		size_t i;

		if (!s || span_of(k->blocks, p) != s) {
			settle(k, &at);
			if (s)
				retire_if_idle(k, s);
			s = blocks_find(k->blocks, p);
			at = (struct word){ s, 0, 0 };
			if (unlikely(!s || s->stock != k))
				stock_accuse(k, p);
		}
		i = index_of(k, s, p);
		if (unlikely(i == s->objects))
			stock_accuse(k, p);
		if (i / 64 != at.index) {
			settle(k, &at);
			at.index = i / 64;
			at.given = 0;
		}
		bit = (uint64_t)1 << i % 64;
		if (unlikely((s->bits[at.index] | at.given) & bit)) {
			settle(k, &at);
			stock_accuse(k, p);
		}
		at.given |= bit;
	}
	settle(k, &at);
	if (at.span)
		retire_if_idle(k, at.span);
}

void stock_trim(struct stock *k)
{
	list_for_each_safe(struct span, s, &k->spans, link)
		if (s->free == s->objects)
			retire(k, s);
}
