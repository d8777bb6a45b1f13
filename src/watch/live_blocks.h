/* SPDX-License-Identifier: MIT */
/*
 * live_blocks.h - rows by address, those of a block of addresses together.
 *
 * What is allocated in a row lies side by side, so its rows do, too: where
 * every object is a sample, the next row is in a cache as a rule, and rows come
 * out in the order of addresses.
 */
#ifndef WATCH_LIVE_BLOCKS_H
#define WATCH_LIVE_BLOCKS_H

#include "base/hash.h"

enum {
	LIVE_GRAIN = 8, /* no allocator hands out what lies closer */
	LIVE_BLOCK = 64 * LIVE_GRAIN,
	LIVE_RUNS = 7, /* of 1, 2, 4, .. 64 rows */
};

struct live_row {
	uint32_t site, born_ms, thread;
};

/*
 * One that has rows: bit i of `there` is that at the i-th grain, and they lie
 * in the order of addresses in a run of 2^(run - 1).
 */
struct live_block {
	uint64_t inverted; /* its first address / LIVE_BLOCK */
	uint64_t there;
	uint32_t first; /* number of its first row */
	uint8_t count, run;
};

/* All zeros is an empty one.  Owner: the caller's lock. */
struct live_blocks {
	struct hash table; /* of struct live_block */
	struct live_row *rows;
	size_t room, begun;	  /* rows that there are; that were ever used */
	uint32_t free[LIVE_RUNS]; /* the first one's number + 1, and so on */
	size_t used;
};

static inline uintptr_t live_block_address(const struct live_block *block)
{
	return ~block->inverted * LIVE_BLOCK;
}

/* The row at an address; NULL: there is none. */
struct live_row *live_blocks_find(const struct live_blocks *b,
				  uintptr_t address);

/*
 * The same, or a new one, with any contents.  NULL: memory is out, or it is no
 * multiple of LIVE_GRAIN.
 */
struct live_row *live_blocks_add(struct live_blocks *b, uintptr_t address);

/* Of one that is there. */
void live_blocks_del(struct live_blocks *b, uintptr_t address);

/* The block that the address lies in; NULL: no row does. */
const struct live_block *live_blocks_of(const struct live_blocks *b,
					uintptr_t address);

/* Bytes of memory behind the table, and behind the rows. */
size_t live_blocks_table_bytes(const struct live_blocks *b);
size_t live_blocks_row_bytes(const struct live_blocks *b);

#endif
