/* SPDX-License-Identifier: MIT */
/*
 * pages_buddy.c - which blocks of a chunk are free: a binary tree of bits.
 */
#include "pool/pages_buddy.h"

#include "base/bits.h"

static void add_free(struct buddy *b, unsigned n, unsigned order)
{
	bits_set(b->free, n);
	if (b->count[order]++ == 0)
		b->orders |= (uint16_t)(1u << order);
}

static void remove_free(struct buddy *b, unsigned n, unsigned order)
{
	bits_clear(b->free, n);
	if (--b->count[order] == 0)
		b->orders &= (uint16_t) ~(1u << order);
}

void buddy_start(struct buddy *b)
{
	add_free(b, 1, MEMPOOL_MAX_ORDER);
}

unsigned buddy_take(struct buddy *b, unsigned order)
{
	unsigned o = (unsigned)__builtin_ctz(b->orders >> order) + order;
	unsigned n = (unsigned)bits_next(b->free, BUDDY_PAGES >> o);

	remove_free(b, n, o);
	/* Orders between had no free block, and now have one each. */
	b->orders |= (uint16_t)((1u << o) - (1u << order));
	while (o > order) {
		n *= 2;
		bits_set(b->free, n + 1);
		b->count[--o] = 1;
	}
	bits_set(b->given, n);
	b->pages += (uint16_t)(1u << order);
	return (n << order) - BUDDY_PAGES;
}

/* Why the block of node `n` cannot be taken back. */
static const char *crime(const struct buddy *b, unsigned page)
{
	for (unsigned n = BUDDY_PAGES + page, order = 0; n; n /= 2, order++) {
		if (bits_has(b->free, n))
			return "double free";
		if (bits_has(b->given, n))
			return n << order == BUDDY_PAGES + page
				       ? "free with the wrong order"
				       : "invalid free";
	}
	return "invalid free";
}

const char *buddy_give(struct buddy *b, unsigned page, unsigned order)
{
	unsigned n = (BUDDY_PAGES + page) >> order;

	if (n << order != BUDDY_PAGES + page || !bits_has(b->given, n))
		return crime(b, page);
	bits_clear(b->given, n);
	b->pages -= (uint16_t)(1u << order);
	while (n > 1 && bits_has(b->free, n ^ 1)) {
		remove_free(b, n ^ 1, order);
		n /= 2;
		order++;
	}
	add_free(b, n, order);
	return NULL;
}

const char *buddy_check(const struct buddy *b)
{
	unsigned count[BUDDY_ORDERS] = { 0 }, pages = 0;

	if (b->free[0] & 1 || b->given[0] & 1)
		return "a bit is set that stands for no block";
	for (unsigned n = 1; n < 2 * BUDDY_PAGES; n++) {
		unsigned depth = 31 - (unsigned)__builtin_clz(n);
		unsigned order = MEMPOOL_MAX_ORDER - depth;

		if (bits_has(b->free, n) && bits_has(b->given, n))
			return "a block is free and given";
		count[order] += bits_has(b->free, n);
		pages += bits_has(b->given, n) << order;
		if (n > 1 && bits_has(b->free, n) && bits_has(b->free, n ^ 1))
			return "two buddies are free, but not joined";
	}
	for (unsigned leaf = BUDDY_PAGES; leaf < 2 * BUDDY_PAGES; leaf++) {
		unsigned covered = 0;

		for (unsigned n = leaf; n; n /= 2)
			covered += bits_has(b->free, n) + bits_has(b->given, n);
		if (covered != 1)
			return covered ? "blocks overlap" : "a page is lost";
	}
	for (unsigned order = 0; order < BUDDY_ORDERS; order++)
		if (count[order] != b->count[order] ||
		    !count[order] != !(b->orders >> order & 1))
			return "the count of an order is wrong";
	return pages == b->pages ? NULL : "the count of pages is wrong";
}
