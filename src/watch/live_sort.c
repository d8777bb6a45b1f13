/* SPDX-License-Identifier: MIT */
/*
 * live_sort.c - puts samples in order, without memory of its own.
 *
 * By digits, from the highest that differs: in place, for qsort() allocates
 * (McIlroy, Bostic and McIlroy, "Engineering Radix Sort", 1993).  What is in
 * order already is left as it is.
 */
#include "watch/live_sort.h"

enum order { BY_ADDRESS, BY_SITE, BY_KIND };

static inline uint64_t key(const struct live *o, enum order order)
{
	switch (order) {
	case BY_ADDRESS:
		return live_address(o);
	case BY_SITE:
		return o->site;
	default:
		return (uint64_t)o->mark << 62 |
		       (uint64_t)(o->thread & 0x3fffffff) << 32 | o->born_ms;
	}
}

static void insert(struct live *samples, size_t count, enum order order)
{
	for (size_t i = 1; i < count; i++) {
		struct live o = samples[i];
		size_t at = i;

		for (; at && key(&samples[at - 1], order) > key(&o, order);
		     at--)
			samples[at] = samples[at - 1];
		samples[at] = o;
	}
}

enum { DIGIT_BITS = 8, DIGITS = 1 << DIGIT_BITS, FEW = 24 };

/* Puts those of each digit, key >> shift, together; from[d]: where they begin.
 */
static void distribute(struct live *samples, size_t count, unsigned shift,
		       enum order order, uint32_t *from)
{
	uint32_t next[DIGITS] = { 0 }, sum = 0;

	for (size_t i = 0; i < count; i++)
		next[key(&samples[i], order) >> shift & (DIGITS - 1)]++;
	for (unsigned d = 0; d < DIGITS; d++) {
		from[d] = sum;
		sum += next[d];
		next[d] = from[d];
	}
	from[DIGITS] = sum;
	for (unsigned d = 0; d < DIGITS; d++)
		while (next[d] < from[d + 1]) {
			struct live *here = &samples[next[d]], o = *here;
			unsigned to = key(&o, order) >> shift & (DIGITS - 1);

			if (to == d) {
				next[d]++;
				continue;
			}
			*here = samples[next[to]];
			samples[next[to]++] = o;
		}
}

static void sort_by(struct live *samples, size_t count, enum order order)
{
	uint32_t from[DIGITS + 1];
	bool sorted = true;
	uint64_t bits = 0;
	unsigned shift;

	if (count <= FEW) {
		insert(samples, count, order);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		uint64_t here = key(&samples[i], order);

		bits |= here ^ key(samples, order);
		sorted &= here >= key(&samples[i - 1], order);
	}
	if (sorted)
		return;
	shift = 64 - (unsigned)__builtin_clzll(bits);
	shift -= min_of(shift, (unsigned)DIGIT_BITS);
	distribute(samples, count, shift, order, from);
	for (unsigned d = 0; shift && d < DIGITS; d++)
		sort_by(samples + from[d], from[d + 1] - from[d], order);
}

void live_sort_by_address(struct live *samples, size_t count)
{
	sort_by(samples, count, BY_ADDRESS);
}

void live_sort_by_site(struct live *samples, size_t count)
{
	sort_by(samples, count, BY_SITE);
}

void live_sort_by_kind(struct live *samples, size_t count)
{
	sort_by(samples, count, BY_KIND);
}
