/* SPDX-License-Identifier: MIT */
/*
 * fixed_blocks.h - a chain of blocks, each twice the last, cut into spans.
 *
 * A span holds objects of one size and nothing else.  What is known of it lies
 * apart, in a header, with a bit for each object; the map of pages leads there
 * from the address of an object.
 *
 * Every function is called with the pool's lock held.
 */
#ifndef POOL_FIXED_BLOCKS_H
#define POOL_FIXED_BLOCKS_H

#include "base/bits.h"
#include "base/list.h"
#include "mempool/pages.h"
#include "pool/span_map.h"

enum { SPAN_BYTES = 64 << 10 };

/* As much as a block may grow to. */
#define BLOCK_MAX_BYTES (64 * MIB)

/* A run of memory from the source.  bits: spans that nobody has, `free`. */
struct block {
	struct link all, some; /* some: while it has free spans */
	char *start;
	size_t got; /* bytes, for the source */
	size_t spans, free;
	uint64_t bits[];
};

/*
 * Some bytes of a block that a stock has.  Bit i: object i is free; `free` is
 * the sum of them; the words below `hint` are all 0.
 *
 * Where objects are kept (fixed_kept.h), `raw` of them are so, and if any is,
 * the span is in the list `raws`; no word of the planes below raw_hint has one.
 */
struct span {
	struct link all;  /* of the blocks; first, so that memcheck sees it */
	struct link link; /* with free objects, of a stock */
	struct stock *stock;
	struct block *block;
	char *base;
	size_t bytes;
	uint32_t objects, free, hint;
	uint32_t raw, raw_hint;
	uint32_t words; /* behind the header */
	struct link raws;
	uint64_t bits[];
};

/*
 * All blocks of a pool, and all spans that stocks have of them, in the order
 * they came in.  A span begins at a multiple of the stride in its block; the
 * last one may be shorter.
 */
struct blocks {
	struct mempool_pages *source;
	size_t align;	       /* of blocks: a power of two */
	size_t stride;	       /* from span to span */
	size_t least;	       /* bytes that are worth being a span */
	size_t first, next;    /* bytes of the first block and of the next, */
	size_t most;	       /* and of the largest */
	size_t limit, held;    /* bytes; held <= limit, if that is not 0 */
	size_t records;	       /* bytes of what is known of them */
	size_t used;	       /* spans that some stock has */
	uint64_t calls;	       /* to the source, that gave something */
	struct list all, some; /* blocks */
	struct list spans;
};

/* All spans, one by one. */
#define blocks_each_span(s, b)                                                 \
	list_for_each_safe(struct span, s, &(b)->spans, all)

/* Prepares an empty chain; source and limit are set already. */
void blocks_init(struct blocks *b, size_t stride, size_t align);

/* Takes a block of `bytes` now.  False: refused, or over the limit. */
bool blocks_add(struct blocks *b, size_t bytes);

/*
 * `run` spans in a row as one, for `stock`, with `words` zeroed words behind
 * its header.  NULL: the source gives no more, or memory is out.
 */
struct span *blocks_take(struct blocks *b, struct stock *stock, size_t run,
			 size_t words);

/* Makes a run longer, where what follows is not used.  False: it is. */
bool blocks_extend(struct blocks *b, struct span *s, size_t more);

void blocks_give(struct blocks *b, struct span *s);

/* Gives blocks without used spans back.  Returns the bytes. */
size_t blocks_trim(struct blocks *b);

/* Gives all back. */
void blocks_destroy(struct blocks *b);

/* What is wrong, and where; NULL: nothing. */
const char *blocks_check(const struct blocks *b, const void **where);

#endif
