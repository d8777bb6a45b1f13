/* SPDX-License-Identifier: MIT */
/*
 * pages.c - a page source: chunks with buddies, and blocks mapped singly.
 *
 * A block comes from the chunk whose largest free block is the smallest that
 * fits: full chunks stay full, and free ones become whole and can be unmapped.
 * Chunks are listed by that largest order, so this takes no search.  Knowlton,
 * "A fast storage allocator", CACM 1965.
 *
 * Mapped singly is what is larger than a chunk, and any block for which the
 * kernel refuses a whole chunk, as under a tight RLIMIT_AS; but a fault on
 * purpose shall be seen by the caller.
 */
#include "pool/pages.h"

#include "base/errors.h"
#include "base/fault.h"
#include "base/sys.h"
#include "base/tool.h"
#include "pool/pages_source.h"

/* --- blocks --- */

static unsigned page_shift(void)
{
	return (unsigned)__builtin_ctzl(sys_page());
}

/* Of a block's size. */
static unsigned order_of(size_t bytes)
{
	return (unsigned)__builtin_ctzl(bytes) - page_shift();
}

static void *take_part_locked(struct mempool_pages *s, unsigned order)
{
	struct chunk *c;
	char *block;
	int top;

	if (s->tops >> order) {
		top = __builtin_ctz(s->tops >> order) + (int)order;
		c = list_first(&s->by_top[top], struct chunk, link);
	} else {
		c = source_add_chunk(s);
	}
	if (!c)
		return NULL;
	top = buddy_top(&c->buddy);
	block = c->base +
		((size_t)buddy_take(&c->buddy, order) << page_shift());
	source_relist(s, c, top);
	return block;
}

static void *take_single_locked(struct mempool_pages *s, size_t bytes,
				size_t align)
{
	struct chunk *c = chunk_map(&s->chunks, bytes, align, true);

	return c ? c->base : NULL;
}

/* A part of a chunk if `bytes` is a block's, else singly. */
static void *take(struct mempool_pages *s, size_t bytes, size_t align)
{
	void *block = NULL;

	pool_lock(&s->pool);
	s->chunks.on_purpose = false;
	if (bytes <= s->limit - s->out_bytes) {
		if (bytes <= chunk_bytes())
			block = take_part_locked(s, order_of(bytes));
		if (!block && !s->chunks.on_purpose)
			block = take_single_locked(s, bytes, align);
	}
	if (block) {
		s->out++;
		s->out_bytes += bytes;
		s->peak_bytes = max_of(s->peak_bytes, s->out_bytes);
	} else {
		s->failures++;
	}
	pool_unlock(&s->pool);
	if (block)
		tool_kept(block, bytes, false);
	else
		errno = ENOMEM;
	return block;
}

static _Noreturn void refuse(struct mempool_pages *s, const char *crime,
			     const void *block)
{
	fault_pool(crime, block, s->pool.entry.name,
		   "no block of this source, of this order, in use");
}

/* The chunk that can be unmapped now, out of the books; or NULL. */
static char *give_part_locked(struct mempool_pages *s, struct chunk *c,
			      char *block, size_t bytes)
{
	size_t at = (size_t)(block - c->base);
	unsigned shift = page_shift();
	int top = buddy_top(&c->buddy);
	const char *crime = "invalid free";

	if (at << (64 - shift) == 0)
		crime = buddy_give(&c->buddy, (unsigned)(at >> shift),
				   order_of(bytes));
	if (unlikely(crime))
		refuse(s, crime, block);
	tool_kept(block, bytes, true);
	source_relist(s, c, top);
	return source_spare_chunk(s, s->keep);
}

static void give_single_locked(struct mempool_pages *s, char *block,
			       size_t bytes)
{
	struct chunk *c = chunk_find(&s->chunks, block);

	if (unlikely(!c || !c->single))
		refuse(s, "invalid free", block);
	if (unlikely(c->bytes != bytes))
		refuse(s, "free with the wrong order", block);
	chunk_remove(&s->chunks, c);
}

static void give(struct mempool_pages *s, char *block, size_t bytes)
{
	size_t whole = chunk_bytes(), unmapped_bytes = bytes;
	char *unmapped = block;
	struct chunk *c;

	pool_lock(&s->pool);
	c = chunk_find(&s->chunks, block - (uintptr_t)block % whole);
	if (c && !c->single && bytes <= whole) {
		unmapped = give_part_locked(s, c, block, bytes);
		unmapped_bytes = whole;
	} else {
		give_single_locked(s, block, bytes);
	}
	s->out--;
	s->out_bytes -= bytes;
	pool_unlock(&s->pool);
	if (unmapped)
		chunk_unmap(unmapped, unmapped_bytes);
}

void *pages_take(struct mempool_pages *pages, size_t bytes, size_t align,
		 size_t *got)
{
	struct mempool_pages *s = source_of(pages);
	size_t page = sys_page(), size = max_of(max_of(bytes, align), page);

	if (size > SIZE_MAX / 4)
		return refused(ENOMEM);
	if (size <= chunk_bytes())
		size = (size_t)1 << (64 - __builtin_clzl(size - 1));
	else
		size = round_up(size, page);
	*got = size;
	return take(s, size,
		    size <= chunk_bytes() ? size : max_of(align, page));
}

void pages_give(struct mempool_pages *pages, void *block, size_t got)
{
	if (block)
		give(source_of(pages), block, got);
}

/* --- for users --- */

size_t mempool_pages_size(unsigned order)
{
	return order > MEMPOOL_MAX_ORDER ? 0 : sys_page() << order;
}

void *mempool_pages_alloc(mempool_pages_t *pages, unsigned order)
{
	struct mempool_pages *s = source_of(pages);
	size_t bytes = mempool_pages_size(order);

	if (!bytes)
		return refused(EINVAL);
	return take(s, bytes, bytes);
}

void mempool_pages_free(mempool_pages_t *pages, void *block, unsigned order)
{
	struct mempool_pages *s = source_of(pages);
	size_t bytes = mempool_pages_size(order);

	if (!block)
		return;
	if (!bytes)
		refuse(s, "free with the wrong order", block);
	give(s, block, bytes);
}

size_t mempool_pages_trim(mempool_pages_t *pages)
{
	struct mempool_pages *s = source_of(pages);
	size_t bytes = 0;
	char *base;

	do {
		pool_lock(&s->pool);
		base = source_spare_chunk(s, 0);
		pool_unlock(&s->pool);
		if (base) {
			chunk_unmap(base, chunk_bytes());
			bytes += chunk_bytes();
		}
	} while (base);
	return bytes;
}
