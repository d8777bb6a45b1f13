/* SPDX-License-Identifier: MIT */
/*
 * fixed_blocks.c - a chain of blocks, each twice the last, cut into spans.
 *
 * The k-th block is 2^k times the first until the largest, so n objects
 * take about log2(n / objects of the first) calls to the source.  What the
 * source or the limit refuses is asked for again at half the size.
 *
 * Records and headers come from malloc().  Growing asks for all of them first,
 * so that a failure changes nothing, and giving needs no memory.
 */
#include "pool/fixed_blocks.h"

#include <stdlib.h>

#include "base/tool.h"
#include "pool/pages.h"

/* What lies beyond in a span is no start of an object. */
#define MAPPED_MOST (4 * MIB)

void blocks_init(struct blocks *b, size_t stride, size_t align)
{
	b->stride = b->least = b->first = b->next = stride;
	b->align = align;
	b->most = max_of(BLOCK_MAX_BYTES, stride);
}

/* --- the source --- */

static size_t record_bytes(size_t spans)
{
	return sizeof(struct block) + bits_words(spans) * sizeof(uint64_t);
}

static struct block *new_block(const struct blocks *b, char *start, size_t got)
{
	size_t spans = (got - b->least) / b->stride + 1;
	struct block *block = calloc(1, record_bytes(spans));

	if (!block)
		return NULL;
	block->start = start;
	block->got = got;
	block->spans = block->free = spans;
	bits_fill(block->bits, 0, spans, true);
	return block;
}

bool blocks_add(struct blocks *b, size_t bytes)
{
	struct block *block = NULL;
	size_t got;
	char *start = pages_take(b->source, bytes, b->align, &got);

	if (!start)
		return false;
	if (got >= b->least && (!b->limit || got <= b->limit - b->held))
		block = new_block(b, start, got);
	if (!block) {
		pages_give(b->source, start, got);
		return false;
	}
	tool_kept(start, got, true);
	list_add_tail(&b->all, &block->all);
	list_add_tail(&b->some, &block->some);
	b->held += got;
	b->records += record_bytes(block->spans);
	b->calls++;
	b->next = min_of(2 * got, max_of(b->most, b->first));
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

static void drop(struct blocks *b, struct block *block)
{
	list_del(&b->all, &block->all);
	pages_give(b->source, block->start, block->got);
	b->held -= block->got;
	b->records -= record_bytes(block->spans);
	free(block);
}

/* --- spans --- */

static size_t header_bytes(size_t words)
{
	return sizeof(struct span) + words * sizeof(uint64_t);
}

static struct block *find(struct blocks *b, size_t run, size_t *at)
{
	list_for_each_safe(struct block, block, &b->some, some) {
		*at = bits_find(block->bits, block->spans, run);
		if (*at < block->spans)
			return block;
	}
	return NULL;
}

/* Spans are used from now on, or are not. */
static void use(struct blocks *b, struct block *block, size_t at, size_t run,
		bool used)
{
	bits_fill(block->bits, at, run, !used);
	if (!used && !block->free)
		list_add(&b->some, &block->some);
	block->free += used ? -run : run;
	b->used += used ? run : -run;
	if (used && !block->free)
		list_del(&b->some, &block->some);
}

static size_t mapped(const struct blocks *b, const struct span *s)
{
	size_t bytes = min_of(s->bytes, b->stride);

	return min_of(bytes, MAPPED_MOST);
}

static size_t index_in_block(const struct blocks *b, const struct span *s)
{
	return (size_t)(s->base - s->block->start) / b->stride;
}

/* How many strides it takes up. */
static size_t run_of(const struct blocks *b, const struct span *s)
{
	return (s->bytes - 1) / b->stride + 1;
}

struct span *blocks_take(struct blocks *b, struct stock *stock, size_t run,
			 size_t words)
{
	struct span *s = calloc(1, header_bytes(words));
	struct block *block;
	size_t at;

	if (!s)
		return NULL;
	block = find(b, run, &at);
	if (!block && grow(b, (run - 1) * b->stride + b->least))
		block = find(b, run, &at);
	if (!block)
		goto fail;
	s->stock = stock;
	s->block = block;
	s->base = block->start + at * b->stride;
	s->bytes = min_of(run * b->stride, block->got - at * b->stride);
	s->words = (uint32_t)words;
	if (!map_set(s->base, mapped(b, s), stock, s))
		goto fail;
	use(b, block, at, run, true);
	b->records += header_bytes(words);
	list_add_tail(&b->spans, &s->all);
	return s;
fail:
	free(s);
	return NULL;
}

bool blocks_extend(struct blocks *b, struct span *s, size_t more)
{
	struct block *block = s->block;
	size_t end = index_in_block(b, s) + run_of(b, s);

	if (more > block->spans - end ||
	    bits_row(block->bits, end, end + more) < more)
		return false;
	use(b, block, end, more, true);
	s->bytes += more * b->stride;
	return true;
}

void blocks_give(struct blocks *b, struct span *s)
{
	map_clear(s->base, mapped(b, s));
	use(b, s->block, index_in_block(b, s), run_of(b, s), false);
	list_del(&b->spans, &s->all);
	b->records -= header_bytes(s->words);
	free(s);
}

/* --- giving back --- */

size_t blocks_trim(struct blocks *b)
{
	size_t before = b->held, largest = 0;

	list_for_each_safe(struct block, block, &b->all, all) {
		if (block->free < block->spans) {
			largest = max_of(largest, block->got);
			continue;
		}
		list_del(&b->some, &block->some);
		drop(b, block);
	}
	if (b->held < before)
		b->next = max_of(b->first, min_of(2 * largest, b->next));
	return before - b->held;
}

void blocks_destroy(struct blocks *b)
{
	blocks_each_span(s, b)
		blocks_give(b, s);
	blocks_trim(b);
}

/* --- invariants --- */

const char *blocks_check(const struct blocks *b, const void **where)
{
	size_t held = 0, used = 0, spans = 0, n = 0, free = 0;

	list_for_each_safe(const struct block, block, &b->all, all) {
		*where = block;
		if (bits_count(block->bits, bits_words(block->spans)) !=
		    block->free)
			return "a block's free spans are miscounted";
		if (list_has(&b->some, &block->some) != (block->free != 0))
			return "a block is in the wrong list";
		held += block->got;
		free += block->free;
		spans += block->spans;
		n++;
	}
	*where = b;
	if (list_check(&b->all, n))
		return list_check(&b->all, n);
	n = 0;
	blocks_each_span(s, b) {
		*where = s;
		if (map_span(s->base, s->stock) != s)
			return "a span is not in the map";
		used += run_of(b, s);
		n++;
	}
	*where = b;
	if (held != b->held)
		return "bytes of blocks are miscounted";
	if (used != b->used || used + free != spans)
		return "used spans are miscounted";
	return list_check(&b->spans, n);
}
