/* SPDX-License-Identifier: MIT */
/*
 * pages_buddy.h - which blocks of a chunk are free: a binary tree of bits.
 *
 * Node 1 is the whole chunk; node n has the halves 2n and 2n + 1, which are
 * each other's buddies: n ^ 1.  Order o lies in nodes 2^(max - o) up to twice
 * that, so a node is (BUDDY_PAGES + page) >> order.  Two bits a node: free,
 * and given to the user.  Pages that are covered by neither were never split
 * off or were joined: their block's bit is further up.  Nothing is stored in
 * the pages themselves.
 *
 * No memory, no lock: the owner of the tree holds its own.
 */
#ifndef POOL_PAGES_BUDDY_H
#define POOL_PAGES_BUDDY_H

#include "base/common.h"
#include "mempool/pages.h"

enum {
	BUDDY_ORDERS = MEMPOOL_MAX_ORDER + 1,
	BUDDY_PAGES = 1 << MEMPOOL_MAX_ORDER,
	BUDDY_WORDS = 2 * BUDDY_PAGES / 64,
};

/*
 * On the way from any page's node to the root exactly one bit is set, of
 * `free` or of `given`.  Two buddies are never both free.  count[o] is the
 * number of free blocks of order o; bit o of `orders` says that it is not 0.
 * `pages` are given.
 */
struct buddy {
	uint64_t free[BUDDY_WORDS];
	uint64_t given[BUDDY_WORDS];
	uint16_t count[BUDDY_ORDERS];
	uint16_t orders;
	uint16_t pages;
};

/* One free block of the highest order.  The tree is all zeros before. */
void buddy_start(struct buddy *b);

/* The highest order with a free block; -1: none. */
static inline int buddy_top(const struct buddy *b)
{
	return b->orders ? 31 - __builtin_clz(b->orders) : -1;
}

/*
 * Gives 2^order pages; returns the first's index.  The block comes from the
 * smallest free one that is large enough, the lowest of them.  Only when
 * buddy_top() >= order.
 */
unsigned buddy_take(struct buddy *b, unsigned order);

/*
 * Takes a block back and joins it with its buddy as often as that is free.
 * Returns NULL, or what is wrong with it; then nothing is changed.
 */
const char *buddy_give(struct buddy *b, unsigned page, unsigned order);

/* What is wrong with the tree; NULL: nothing. */
const char *buddy_check(const struct buddy *b);

#endif
