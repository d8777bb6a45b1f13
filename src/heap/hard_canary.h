/* SPDX-License-Identifier: MIT */
/*
 * hard_canary.h - what lies around an object of the hardened heap.
 *
 * The byte of the canary at an address is one of eight, by the address's last
 * bits; the eight differ from object to object, and none is 0: a string that
 * is one byte too long changes it.
 */
#ifndef HEAP_HARD_CANARY_H
#define HEAP_HARD_CANARY_H

#include <string.h>

#include "base/common.h"

extern HIDDEN uint64_t hard_secret;

/* At multiples of 8 bytes. */
static inline uint64_t canary_of(const void *p)
{
	return (hard_secret ^ (uintptr_t)p) * UINT64_C(0x9e3779b97f4a7c15) |
	       UINT64_C(0x0101010101010101);
}

/* The same at any address. */
static inline uint64_t canary_at(uint64_t canary, uintptr_t address)
{
	unsigned by = (unsigned)(address & 7) * 8;

	return canary >> by | canary << (-by & 63);
}

static inline uint64_t canary_load(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static inline void canary_store(char *p, uint64_t word)
{
	memcpy(p, &word, sizeof(word));
}

/*
 * What lies between `size` bytes and `end`, 8 bytes at least: words from both
 * sides, which overlap.  Of more than 32 bytes the middle is left out.
 */
static inline void canary_set(char *p, size_t size, char *end)
{
	uint64_t canary = canary_of(p), first = canary_at(canary, size);
	char *from = p + size;

	canary_store(from, first);
	canary_store(end - 8, canary);
	if (unlikely(end - from > 16)) {
		canary_store(from + 8, first);
		canary_store(end - 16, canary);
	}
}

static inline bool canary_is_whole(const char *p, size_t size, const char *end)
{
	uint64_t canary = canary_of(p), first = canary_at(canary, size);
	const char *from = p + size;
	uint64_t changed = canary_load(from) ^ first;

	changed |= canary_load(end - 8) ^ canary;
	if (unlikely(end - from > 16)) {
		changed |= canary_load(from + 8) ^ first;
		changed |= canary_load(end - 16) ^ canary;
	}
	return !changed;
}

/* From any address to any, for the few bytes beside a page's edge. */
static inline void canary_fill(char *p, char *from, const char *to)
{
	uint64_t canary = canary_of(p);

	for (; from < to; from++)
		*from = (char)(canary >> ((uintptr_t)from & 7) * 8);
}

static inline bool canary_fills(const char *p, const char *from, const char *to)
{
	uint64_t canary = canary_of(p);

	for (; from < to; from++)
		if (*from != (char)(canary >> ((uintptr_t)from & 7) * 8))
			return false;
	return true;
}

#endif
