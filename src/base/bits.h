/* SPDX-License-Identifier: MIT */
/*
 * bits.h - a row of bits: one for each object of a slab, or span of a block.
 *
 * Bit i is bits[i / 64] >> i % 64 & 1; set: what it stands for is free.
 */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include "base/common.h"

/* Words for `n` bits. */
static inline size_t bits_words(size_t n)
{
	return (n + 63) / 64;
}

/* `n` bits of a word, 1..64, from `first` on. */
static inline uint64_t bits_run(unsigned first, unsigned n)
{
	return ~(uint64_t)0 >> (64 - n) << first;
}

static inline bool bits_has(const uint64_t *bits, size_t i)
{
	return bits[i / 64] >> i % 64 & 1;
}

static inline void bits_set(uint64_t *bits, size_t i)
{
	bits[i / 64] |= (uint64_t)1 << i % 64;
}

static inline void bits_clear(uint64_t *bits, size_t i)
{
	bits[i / 64] &= ~((uint64_t)1 << i % 64);
}

/* The first that is set from `from` on; one is. */
static inline size_t bits_next(const uint64_t *bits, size_t from)
{
	size_t w = from / 64;
	uint64_t word = bits[w] & ~(uint64_t)0 << from % 64;

	while (!word)
		word = bits[++w];
	return w * 64 + (unsigned)__builtin_ctzll(word);
}

/* The `n` bits from `from` on become `value`. */
static inline void bits_fill(uint64_t *bits, size_t from, size_t n, bool value)
{
	for (size_t to = from + n, end; from < to; from = end) {
		uint64_t run;

		end = min_of((from / 64 + 1) * 64, to);
		run = bits_run(from % 64, (unsigned)(end - from));
		if (value)
			bits[from / 64] |= run;
		else
			bits[from / 64] &= ~run;
	}
}

static inline size_t bits_count(const uint64_t *bits, size_t words)
{
	size_t n = 0;

	for (size_t w = 0; w < words; w++)
		n += (size_t)__builtin_popcountll(bits[w]);
	return n;
}

/* How many are set from `from` on, of those below `end`. */
static inline size_t bits_row(const uint64_t *bits, size_t from, size_t end)
{
	size_t i = from;

	while (i < end && bits_has(bits, i))
		i++;
	return i - from;
}

/* The first of `n` set in a row below `end`; `end`: there are none. */
static inline size_t bits_find(const uint64_t *bits, size_t end, size_t n)
{
	for (size_t i = 0, row; i < end; i += row + 1) {
		if (!bits[i / 64]) {
			row = 63 - i % 64;
			continue;
		}
		row = bits_row(bits, i, min_of(end, i + n));
		if (row == n)
			return i;
	}
	return end;
}

#endif
