/* SPDX-License-Identifier: MIT */
/*
 * pages_buddy.c - which blocks of a chunk are free: a binary tree of bits.
 */
#include "pool/pages_buddy.h"

static bool bit(const uint64_t *bits, unsigned n)
{
	return bits[n / 64] >> n % 64 & 1;
}

static void set(uint64_t *bits, unsigned n)
{
	bits[n / 64] |= (uint64_t)1 << n % 64;
}

static void clear(uint64_t *bits, unsigned n)
{
	bits[n / 64] &= ~((uint64_t)1 << n % 64);
}

static void add_free(struct buddy *b, unsigned n, unsigned order)
{
	set(b->free, n);
	if (b->count[order]++ == 0)
		b->orders |= (uint16_t)(1u << order);
}

static void remove_free(struct buddy *b, unsigned n, unsigned order)
{
	clear(b->free, n);
	if (--b->count[order] == 0)
		b->orders &= (uint16_t) ~(1u << order);
}

void buddy_start(struct buddy *b)
{
	add_free(b, 1, MEMPOOL_MAX_ORDER);
}

/* The lowest free node of an order that has one. */
static unsigned first_free(const struct buddy *b, unsigned order)
{
	unsigned first = BUDDY_PAGES >> order;
	unsigned word = first / 64;
	uint64_t free = b->free[word];

	/* Orders with less than a word of nodes share the first. */
	if (first < 64)
		free &= (((uint64_t)1 << first) - 1) << first;
	while (!free)
		free = b->free[++word];
	return word * 64 + (unsigned)__builtin_ctzll(free);
}

unsigned buddy_take(struct buddy *b, unsigned order)
{
	unsigned o = (unsigned)__builtin_ctz(b->orders >> order) + order;
	unsigned n = first_free(b, o);

	remove_free(b, n, o);
	/* Orders between had no free block, and now have one each. */
	b->orders |= (uint16_t)((1u << o) - (1u << order));
	while (o > order) {
		n *= 2;
		set(b->free, n + 1);
		b->count[--o] = 1;
	}
	set(b->given, n);
	b->pages += (uint16_t)(1u << order);
	return (n << order) - BUDDY_PAGES;
}

/* Why the block of node `n` cannot be taken back. */
static const char *crime(const struct buddy *b, unsigned page)
{
	for (unsigned n = BUDDY_PAGES + page, order = 0; n; n /= 2, order++) {
		if (bit(b->free, n))
			return "double free";
		if (bit(b->given, n))
			return n << order == BUDDY_PAGES + page
				       ? "free with the wrong order"
				       : "invalid free";
	}
	return "invalid free";
}

const char *buddy_give(struct buddy *b, unsigned page, unsigned order)
{
	unsigned n = (BUDDY_PAGES + page) >> order;

	if (n << order != BUDDY_PAGES + page || !bit(b->given, n))
		return crime(b, page);
	clear(b->given, n);
	b->pages -= (uint16_t)(1u << order);
	while (n > 1 && bit(b->free, n ^ 1)) {
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

		if (bit(b->free, n) && bit(b->given, n))
			return "a block is free and given";
		count[order] += bit(b->free, n);
		pages += bit(b->given, n) << order;
		if (n > 1 && bit(b->free, n) && bit(b->free, n ^ 1))
			return "two buddies are free, but not joined";
	}
	for (unsigned leaf = BUDDY_PAGES; leaf < 2 * BUDDY_PAGES; leaf++) {
		unsigned covered = 0;

		for (unsigned n = leaf; n; n /= 2)
			covered += bit(b->free, n) + bit(b->given, n);
		if (covered != 1)
			return covered ? "blocks overlap" : "a page is lost";
	}
	for (unsigned order = 0; order < BUDDY_ORDERS; order++)
		if (count[order] != b->count[order] ||
		    !count[order] != !(b->orders >> order & 1))
			return "the count of an order is wrong";
	return pages == b->pages ? NULL : "the count of pages is wrong";
}
