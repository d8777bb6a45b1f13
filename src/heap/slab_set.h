/*
 * slab_set.h - a set of slabs: one bit each, the lowest member found quickly.
 */
#ifndef HEAP_SLAB_SET_H
#define HEAP_SLAB_SET_H

#include "heap/space.h"

enum { SET_WORDS = WINDOW_SLABS / 64 };

/* A set of slabs; no member lies below word `low`. */
struct slab_set {
	size_t count;
	size_t low;
	uint64_t *words; /* SET_WORDS; apart, to keep what is hot together */
};

static inline void set_add(struct slab_set *set, size_t slab)
{
	set->words[slab / 64] |= (uint64_t)1 << slab % 64;
	set->low = min_of(set->low, slab / 64);
	set->count++;
}

static inline void set_remove(struct slab_set *set, size_t slab)
{
	set->words[slab / 64] &= ~((uint64_t)1 << slab % 64);
	set->count--;
}

static inline bool set_has(const struct slab_set *set, size_t slab)
{
	return set->words[slab / 64] >> slab % 64 & 1;
}

/* Removes the lowest member.  The set is not empty. */
static inline size_t set_pop(struct slab_set *set)
{
	size_t slab;

	while (!set->words[set->low])
		set->low++;
	slab = set->low * 64 + (size_t)__builtin_ctzll(set->words[set->low]);
	set_remove(set, slab);
	return slab;
}

/* No member lies below the set's lowest word. */
static inline bool set_low_holds(const struct slab_set *set)
{
	for (size_t w = 0; w < set->low; w++)
		if (set->words[w])
			return false;
	return true;
}

#endif
