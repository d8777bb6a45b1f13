/*
 * object_block_check.h - the invariants of an object cache's blocks.
 */
#ifndef POOL_OBJECT_BLOCK_CHECK_H
#define POOL_OBJECT_BLOCK_CHECK_H

#include "pool/object_block.h"

/*
 * Ends the program, naming `pool`, when one does not hold.  Caller holds the
 * lock.
 */
void object_blocks_check(const struct object_blocks *all, const char *pool);

#endif
