/* SPDX-License-Identifier: MIT */
/*
 * pages_source.h - a page source: its books, and its chunks in lists.
 */
#ifndef POOL_PAGES_SOURCE_H
#define POOL_PAGES_SOURCE_H

#include "pool/pages_chunk.h"
#include "pool/pool.h"

/*
 * by_top[o] lists the chunks whose largest free block has order o, bit o of
 * `tops` says that there is one; full chunks and single blocks are in no list.
 * by_top[MEMPOOL_MAX_ORDER] are the wholly free ones, `whole` in number.
 * out_bytes <= limit where there is one.
 */
struct mempool_pages {
	struct pool pool;
	unsigned tops;
	struct list by_top[BUDDY_ORDERS];
	size_t whole, keep; /* chunks */
	struct chunks chunks;
	size_t limit, out_bytes, peak_bytes;
	uint64_t out, failures;
	char mapping_name[MEMPOOL_NAME + 16];
};

/* NULL: that of the process.  Ends the program when it is no source. */
struct mempool_pages *source_of(struct mempool_pages *pages);

/* --- with the source's lock held --- */

/* Maps a chunk, all free, into the lists; NULL when the kernel refuses. */
struct chunk *source_add_chunk(struct mempool_pages *s);

/* After blocks of the chunk came or went; `top`: buddy_top() before. */
void source_relist(struct mempool_pages *s, struct chunk *c, int top);

/*
 * With more than `keep` wholly free chunks, one of them leaves the books.  Its
 * base, for chunk_unmap() without the lock; or NULL.
 */
char *source_spare_chunk(struct mempool_pages *s, size_t keep);

#endif
