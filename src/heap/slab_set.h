/* SPDX-License-Identifier: MIT */
/*
 * slab_set.h - a set of slabs: one bit each, the lowest member found quickly.
 *
 * The words of all sets lie together, so that a small program touches one page
 * of them, and they grow down from space_sets.  They are there for slabs that
 * are or were reserved alone.
 */
#ifndef HEAP_SLAB_SET_H
#define HEAP_SLAB_SET_H

#include "heap/space.h"

enum set_kind { SET_HOLES, SET_KEPT, SET_RETURNED, SET_YIELDED, SETS };

/* A set of slabs; no member lies below word `low`. */
struct slab_set {
	size_t count;
	size_t low;
	uint64_t *words; /* space_sets + kind */
};

/* Word `w`: the slabs 64 w .. 64 w + 63. */
static inline uint64_t *set_word(const struct slab_set *set, size_t w)
{
	return set->words - (w + 1) * SETS;
}

static inline void set_add(struct slab_set *set, size_t slab)
{
	*set_word(set, slab / 64) |= (uint64_t)1 << slab % 64;
	set->low = min_of(set->low, slab / 64);
	set->count++;
}

static inline void set_remove(struct slab_set *set, size_t slab)
{
	*set_word(set, slab / 64) &= ~((uint64_t)1 << slab % 64);
	set->count--;
}

static inline bool set_has(const struct slab_set *set, size_t slab)
{
	return *set_word(set, slab / 64) >> slab % 64 & 1;
}

/* The lowest member.  The set is not empty. */
static inline size_t set_first(struct slab_set *set)
{
	while (!*set_word(set, set->low))
		set->low++;
	return set->low * 64 +
	       (size_t)__builtin_ctzll(*set_word(set, set->low));
}

/* Removes the lowest member.  The set is not empty. */
static inline size_t set_pop(struct slab_set *set)
{
	size_t slab = set_first(set);

	set_remove(set, slab);
	return slab;
}

/* No member lies below the set's lowest word. */
static inline bool set_low_holds(const struct slab_set *set)
{
	for (size_t w = 0; w < set->low; w++)
		if (*set_word(set, w))
			return false;
	return true;
}

#endif
