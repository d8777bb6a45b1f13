/* SPDX-License-Identifier: MIT */
/*
 * fixed_blocks.c - a chain of blocks, each twice the last, cut into spans.
 *
 * The k-th block is 2^k times the first until BLOCK_MAX_BYTES, so n objects
 * take about log2(n / objects of the first) calls to the source.  What the
 * source or the limit refuses is asked for again at half the size.
 */
#include "pool/fixed_blocks.h"

#include "base/tool.h"
#include "pool/pages.h"

enum { LINE_SHIFT = 6, COLORS = 8 };

size_t blocks_colors(size_t align)
{
	return align < SPAN_BYTES ? 0 : (COLORS - 1) << LINE_SHIFT;
}

void blocks_shape(struct blocks *b, size_t align)
{
	b->align = align;
	b->color_shift = (unsigned)__builtin_ctzll(align) - LINE_SHIFT;
	b->colors = blocks_colors(align);
}

void blocks_init(struct blocks *b)
{
	extents_init(&b->extents);
	b->next = b->first;
}

/* --- where a pointer leads --- */

static void widen(struct blocks *b, uintptr_t low, uintptr_t high)
{
	if (!b->low || low < b->low)
		__atomic_store_n(&b->low, low, __ATOMIC_RELAXED);
	if (high > b->high)
		__atomic_store_n(&b->high, high, __ATOMIC_RELAXED);
}

struct span *blocks_find(struct blocks *b, const void *p)
{
	const struct extent *e = extents_find(&b->extents, p);
	struct span *s = span_of(b, p);
	size_t offset;

	if (!e)
		return NULL;
	offset = (size_t)(span_base(b, p) - e->start);
	if (offset % b->stride ||
	    offset / b->stride >= block_of_extent(b, e)->fresh || !s->stock)
		return NULL;
	return s;
}

/* --- the source --- */

bool blocks_add(struct blocks *b, size_t bytes)
{
	size_t got;
	char *start;

	if (!extents_reserve(&b->extents))
		return false;
	start = pages_take(b->source, bytes, b->align, &got);
	if (!start)
		return false;
	if (got < b->least || (b->limit && got > b->limit - b->held)) {
		pages_give(b->source, start, got);
		return false;
	}
	b->fresh = &span_header(b, start)->as_block;
	*b->fresh = (struct block){
		.got = got,
		.spans = (unsigned)((got - b->least) / b->stride + 1),
	};
	extents_insert(&b->extents, start, start + got);
	widen(b, (uintptr_t)start, (uintptr_t)start + got);
	b->held += got;
	b->calls++;
	b->next = min_of(2 * got, max_of(BLOCK_MAX_BYTES, b->first));
	return true;
}

/* `least` bytes at least.  Powers of two, for that is what the source has. */
static bool grow(struct blocks *b, size_t least)
{
	size_t most = b->limit ? b->limit - b->held : SIZE_MAX;
	size_t bytes = b->next;

	if (least > PTRDIFF_MAX / 2)
		return false;
	while (bytes < least)
		bytes *= 2;
	while (bytes > most && bytes / 2 >= least)
		bytes /= 2;
	for (; bytes <= most && bytes >= least && bytes >= b->align; bytes /= 2)
		if (blocks_add(b, bytes))
			return true;
	/* No power of two fits, but this may. */
	return least <= most && bytes * 2 > most && blocks_add(b, least);
}

/* --- spans --- */

static char *start_of(const struct blocks *b, const struct block *block)
{
	return span_base(b, block);
}

static struct span *span_at(const struct blocks *b, char *start, size_t i)
{
	return span_header(b, start + i * b->stride);
}

static struct span *take_fresh(struct blocks *b, size_t run)
{
	struct block *block = b->fresh;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): has `run` */
	struct span *s = span_at(b, start_of(b, block), block->fresh);

	s->base = start_of(b, block) + block->fresh * b->stride;
	block->fresh += (unsigned)run;
	s->block = block;
	if (block->fresh == block->spans)
		b->fresh = NULL;
	return s;
}

/* Whether tools let others touch what is behind the first header. */
static void hide(const struct blocks *b, struct span *s, size_t run, bool ours)
{
	char *end = start_of(b, s->block) + s->block->got;
	char *base = span_base(b, s);

	end = min_of(end, base + run * b->stride);
	tool_kept(s + 1, (size_t)(end - (char *)(s + 1)), ours);
}

static struct span *used_span(struct blocks *b, struct span *s, size_t run,
			      struct stock *stock)
{
	s->stock = stock;
	hide(b, s, run, false);
	s->run = (uint32_t)run;
	s->objects = 0;
	s->block->used += s->run;
	b->used += run;
	return s;
}

struct span *blocks_take_span(struct blocks *b, struct stock *stock,
			      size_t *bytes)
{
	struct span *s = list_first(&b->spare, struct span, link);
	char *end;

	if (s)
		list_del(&b->spare, &s->link);
	else if (b->fresh || grow(b, b->least))
		s = take_fresh(b, 1);
	else
		return NULL;
	end = start_of(b, s->block) + s->block->got;
	*bytes = min_of((size_t)(end - span_base(b, s)), b->stride);
	return used_span(b, s, 1, stock);
}

static void add_spare(struct blocks *b, struct span *s)
{
	s->stock = NULL;
	s->run = 1;
	list_add(&b->spare, &s->link);
	hide(b, s, 1, true);
}

void blocks_give_span(struct blocks *b, struct span *s)
{
	struct block *block = s->block;
	char *base = span_base(b, s);
	uint32_t run = s->run;

	block->used -= run;
	b->used -= run;
	/* The headers of what it covered are written anew. */
	hide(b, s, run, false);
	for (uint32_t i = run; i-- > 0;) {
		struct span *part = span_at(b, base, i);

		part->block = block;
		part->base = base + i * b->stride;
		add_spare(b, part);
	}
}

/* --- runs --- */

/* `run` spare spans in a row; NULL: none. */
static struct span *search(struct blocks *b, const struct extent *e, size_t run)
{
	const struct block *block = block_of_extent(b, e);
	size_t row = 0;

	for (size_t i = 0; i < block->fresh;) {
		const struct span *s = span_at(b, e->start, i);

		row = s->stock ? 0 : row + 1;
		i += s->run;
		if (row == run)
			return span_at(b, e->start, i - run);
	}
	return NULL;
}

/* Makes the rest of the fresh block spare, so that another can be fresh. */
static void retire_fresh(struct blocks *b)
{
	while (b->fresh)
		add_spare(b, take_fresh(b, 1));
}

struct span *blocks_take_run(struct blocks *b, struct stock *stock, size_t run)
{
	struct span *s;

	if (b->fresh && b->fresh->spans - b->fresh->fresh >= run)
		return used_span(b, take_fresh(b, run), run, stock);
	for (unsigned i = 0; i < b->extents.count; i++) {
		s = search(b, &b->extents.table[i], run);
		if (!s)
			continue;
		for (size_t n = 0; n < run; n++)
			list_del(&b->spare,
				 &span_at(b, span_base(b, s), n)->link);
		return used_span(b, s, run, stock);
	}
	retire_fresh(b);
	if (!grow(b, run * b->stride))
		return NULL;
	return used_span(b, take_fresh(b, run), run, stock);
}

static bool is_unused(struct blocks *b, struct block *block, size_t i)
{
	return i < block->spans &&
	       (i >= block->fresh || !span_at(b, start_of(b, block), i)->stock);
}

bool blocks_extend_run(struct blocks *b, struct span *s, size_t more)
{
	struct block *block = s->block;
	char *start = start_of(b, block);
	size_t end = (size_t)(span_base(b, s) - start) / b->stride + s->run;

	for (size_t n = 0; n < more; n++)
		if (!is_unused(b, block, end + n))
			return false;
	for (size_t n = 0; n < more; n++)
		if (end + n < block->fresh)
			list_del(&b->spare, &span_at(b, start, end + n)->link);
		else
			take_fresh(b, 1);
	hide(b, span_at(b, start, end), more, false);
	s->run += (uint32_t)more;
	block->used += (unsigned)more;
	b->used += more;
	return true;
}

/* --- giving back --- */

static void drop_spare(struct blocks *b, struct block *block, char *start)
{
	for (unsigned i = 0; i < block->fresh; i++)
		list_del(&b->spare, &span_at(b, start, i)->link);
	if (b->fresh == block)
		b->fresh = NULL;
}

size_t blocks_trim(struct blocks *b)
{
	size_t bytes = 0, largest = 0;

	for (unsigned i = b->extents.count; i-- > 0;) {
		char *start = b->extents.table[i].start;
		struct block *block = block_of_extent(b, &b->extents.table[i]);
		size_t got = block->got;

		if (block->used) {
			largest = max_of(largest, got);
			continue;
		}
		drop_spare(b, block, start);
		extents_remove(&b->extents, i);
		pages_give(b->source, start, got);
		b->held -= got;
		bytes += got;
	}
	if (bytes)
		b->next = max_of(b->first, min_of(2 * largest, b->next));
	return bytes;
}

void blocks_destroy(struct blocks *b)
{
	for (unsigned i = 0; i < b->extents.count; i++) {
		size_t got = block_of_extent(b, &b->extents.table[i])->got;

		pages_give(b->source, b->extents.table[i].start, got);
	}
	extents_clear(&b->extents);
	b->held = b->used = 0;
	b->spare = (struct list){ 0 };
	b->fresh = NULL;
}
