/* SPDX-License-Identifier: MIT */
/*
 * fixed_blocks.h - a chain of blocks, each twice the last, cut into spans.
 *
 * A span holds objects of one size, behind a header with a bit for each.  It
 * is found from the address of an object by its alignment.
 */
#ifndef POOL_FIXED_BLOCKS_H
#define POOL_FIXED_BLOCKS_H

#include "base/list.h"
#include "mempool/pages.h"
#include "pool/fixed_extents.h"

enum { SPAN_BYTES = 64 << 10 };

/* As much as a block may grow to. */
#define BLOCK_MAX_BYTES (64 * MIB)

struct stock;

/*
 * A run of memory from the source.  fresh <= spans; those from `fresh` on were
 * never used.  used: how many some stock has.
 */
struct block {
	size_t got; /* bytes, for the source */
	unsigned spans, fresh, used;
};

/*
 * Of a span whose header lies apart from it (fixed_kept.h): in place of the
 * rest.  raw of its objects are so, and if any is, it is in the list `raws`; no
 * word of the planes below raw_hint has one.
 */
struct span_apart {
	struct link all, raws;
	uint32_t raw, raw_hint;
};

/*
 * What a span begins with, after some lines of the cache that are left out so
 * that not all headers fall into the same few sets of it.  bits[i / 64] >> i %
 * 64 & 1: object i is free; `free` is the sum of them; the words below `hint`
 * are all 0.
 */
struct span {
	struct link link;    /* with free objects, of a stock; or spare */
	struct stock *stock; /* NULL: spare */
	char *base;	     /* where it begins */
	uint32_t objects, free, hint;
	uint32_t class; /* of the stock, in its pool */
	union {
		struct {
			struct block *block;
			struct block as_block; /* in its first span: itself */
			uint32_t run;	       /* spans, with those it covers */
		};
		struct span_apart apart;
	};
	uint64_t bits[];
};

/*
 * All blocks of a pool.  Every span of a block below its `fresh` has a stock
 * or is in the list `spare`.  Owner: the pool's lock.
 */
struct blocks {
	struct mempool_pages *source;
	size_t align;	      /* of spans: a power of two */
	unsigned color_shift; /* address bits that choose what is left out, */
	uintptr_t colors;     /* a mask of bytes */
	size_t stride;	      /* from span to span: a multiple of it */
	size_t least;	      /* bytes that are worth being a span */
	size_t first, next;   /* bytes of the first block and of the next */
	size_t limit, held;   /* bytes; held <= limit, if that is not 0 */
	size_t used;	      /* spans that some stock has */
	uint64_t calls;	      /* to the source, that gave something */
	struct list spare;
	struct block *fresh; /* the one with spans that were never used */
	uintptr_t low, high; /* all blocks that ever were lie between */
	struct extents extents;
};

/* Where the span begins that holds `p`: an object, or a header in a span. */
static inline char *span_base(const struct blocks *b, const void *p)
{
	return (char *)((uintptr_t)p & ~(uintptr_t)(b->align - 1));
}

/* The header of the span that begins at `base`. */
static inline struct span *span_header(const struct blocks *b, char *base)
{
	return (struct span *)(base +
			       ((uintptr_t)base >> b->color_shift & b->colors));
}

static inline struct span *span_of(const struct blocks *b, const void *p)
{
	return span_header(b, span_base(b, p));
}

static inline struct block *block_of_extent(const struct blocks *b,
					    const struct extent *e)
{
	return &span_header(b, e->start)->as_block;
}

/* As many bytes as come before the header of a span at most. */
size_t blocks_colors(size_t align);

/* Sets how spans lie, and where headers are in them. */
void blocks_shape(struct blocks *b, size_t align);

void blocks_init(struct blocks *b);

/* Takes a block of `bytes` now.  False: refused, or over the limit. */
bool blocks_add(struct blocks *b, size_t bytes);

/*
 * A span for `stock`, of *bytes usable bytes, header included.  NULL: the
 * source gives no more.
 */
struct span *blocks_take_span(struct blocks *b, struct stock *stock,
			      size_t *bytes);

/* The same, of `run` spans in a row; what lies between has no headers. */
struct span *blocks_take_run(struct blocks *b, struct stock *stock, size_t run);

/* Makes a run longer, where what follows is not used.  False: it is. */
bool blocks_extend_run(struct blocks *b, struct span *s, size_t more);

/* A span, or a run of them. */
void blocks_give_span(struct blocks *b, struct span *s);

/* Whether `p` lies between the first block and the last, ever.  No lock. */
static inline bool blocks_may_hold(const struct blocks *b, const void *p)
{
	uintptr_t low = __atomic_load_n(&b->low, __ATOMIC_RELAXED);
	uintptr_t high = __atomic_load_n(&b->high, __ATOMIC_RELAXED);

	return (uintptr_t)p - low < high - low;
}

/* The span that has a stock and holds `p`; NULL: none.  Any `p`. */
struct span *blocks_find(struct blocks *b, const void *p);

/* Gives blocks without used spans back.  Returns the bytes. */
size_t blocks_trim(struct blocks *b);

/* Gives all back. */
void blocks_destroy(struct blocks *b);

#endif
