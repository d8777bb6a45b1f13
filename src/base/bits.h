/* SPDX-License-Identifier: MIT */
/*
 * bits.h - a row of bits: one for each object of a slab, or span of a block.
 *
 * Bit i is bits[i / 64] >> i % 64 & 1; set: what it stands for is free.  What
 * objects lie side by side is taken and given at once, as a run of bits.
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
static inline void bits_fill(uint64_t *bits, unsigned from, unsigned n,
			     bool value)
{
	for (unsigned to = from + n, end; from < to; from = end) {
		uint64_t run;

		end = min_of((from / 64 + 1) * 64, to);
		run = bits_run(from % 64, end - from);
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

/* --- free objects of one size --- */

enum { BITS_RUN_LEAST = 16 /* neighbours worth a loop of their own */ };

/*
 * Objects whose bits are set in a word, of which the first lies at `base`, move
 * into objects[got..want), in ascending order.  Returns how many are there now.
 */
static inline size_t bits_take(uint64_t *word, char *base, size_t size,
			       void **objects, size_t got, size_t want)
{
	uint64_t bits = *word;
	unsigned first = bits ? (unsigned)__builtin_ctzll(bits) : 0;
	uint64_t gaps = ~(bits >> first);
	size_t n = gaps ? (unsigned)__builtin_ctzll(gaps) : 64;

	if (n >= BITS_RUN_LEAST) {
		n = min_of(n, want - got);
		bits &= ~bits_run(first, (unsigned)n);
		for (char *at = base + first * size; n--; at += size)
			objects[got++] = at;
	}
	for (; bits && got < want; bits &= bits - 1)
		objects[got++] = base + size * (unsigned)__builtin_ctzll(bits);
	*word = bits;
	return got;
}

/* How many of `most` objects follow each other, `step` bytes apart. */
static inline unsigned bits_neighbours(void *const *objects, size_t most,
				       size_t step)
{
	uintptr_t next = (uintptr_t)objects[0] + step;
	size_t n = 1;

	for (; n < most && (uintptr_t)objects[n] == next; next += step)
		n++;
	return (unsigned)n;
}

/*
 * How many objects, from objects[0] on, lie side by side and have their bits in
 * one word: what was allocated in a row comes back in a row, or the other way
 * round.  *index is that of the first, and then of the lowest; all are below
 * `end`.
 */
static inline unsigned bits_together(size_t size, unsigned end,
				     void *const *objects, size_t count,
				     unsigned *index)
{
	size_t above, below = *index % 64, step;
	unsigned n;

	if (count == 1)
		return 1;
	step = (uintptr_t)objects[1] - (uintptr_t)objects[0];
	if (step == size) {
		above = min_of(63 - below, end - 1 - *index);
		return bits_neighbours(objects, min_of(count, above + 1), size);
	}
	if (likely(step != -size))
		return 1;
	n = bits_neighbours(objects, min_of(count, below + 1), -size);
	*index -= n - 1;
	return n;
}

#endif
