/* SPDX-License-Identifier: MIT */
/*
 * region_block.h - the blocks of a region: taking, keeping, giving back.
 */
#ifndef POOL_REGION_BLOCK_H
#define POOL_REGION_BLOCK_H

#include "pool/region.h"

/*
 * Makes the first block, whose head is not filled in, with the region inside
 * the whole chain.
 */
void block_begin(struct region *r, struct region_block *first, size_t bytes);

/*
 * Makes room for `need` bytes.  In the chain: the next block becomes the
 * current one, and true is returned.  Else *own is a block for it alone.
 * Both false and NULL: no memory, errno is ENOMEM.
 */
bool block_advance(struct region *r, size_t need, struct region_block **own);

/* Blocks of the chain that are newer than `b` are empty again. */
void block_back_to(struct region *r, struct region_block *b, char *next);

/* The newest single block is kept for later. */
void block_retire_own(struct region *r);

/* After a reset: gives back what has not been needed of late. */
void block_settle(struct region *r);

/* Gives back all that is not in use.  Returns the bytes. */
size_t block_trim(struct region *r);

/* Gives back all blocks, the region itself with the first. */
void block_end(struct region *r);

/* What is wrong with the blocks; NULL: nothing. */
const char *block_check(const struct region *r);

#endif
