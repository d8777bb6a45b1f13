/* SPDX-License-Identifier: MIT */
/*
 * hard_pile.h - slots of the hardened heap that are free.
 */
#ifndef HEAP_HARD_PILE_H
#define HEAP_HARD_PILE_H

#include "base/lock.h"
#include "base/sys.h"
#include "heap/hard.h"
#include "heap/hard_class.h"
#include "heap/hard_count.h"
#include "heap/hard_unit.h"

/*
 * Slots of a class in an arena that are free: some at hand, some in quarantine,
 * the others in the bits of their units.
 */
struct pile {
	uint32_t units; /* the first that has free slots, or fresh ones */
	uint32_t count; /* at hand */
	char *at_hand[HARD_PILE];
	char *waiting[HARD_PILE];
	struct hard_count served; /* comes last: see heap_adopted() */
};

enum { HARD_RECENT = 8 };

/* The slots that had to do with something last, in a ring; or NULL. */
struct recent {
	char *slots[HARD_RECENT];
	unsigned at;
};

/* Zeroed but for its number.  Whoever holds its lock owns it. */
struct arena {
	struct lock lock;
	uint8_t number;
	uint64_t random;
	struct recent given, freed;
	unsigned refills, looked_at; /* see hard_look.c */
	struct pile piles[HARD_CLASSES];
};

/*
 * What is known of a slot of pages: the size of its object and one, whether it
 * is free, and where in the slot it begins.  Of others see hard_slot.c.
 */
struct hard_paged {
	uint32_t word, lead;
};

/* lead: its memory has been given back. */
#define HARD_RETURNED UINT32_MAX

static inline struct hard_paged *hard_paged_of(const struct unit *u)
{
	return u->states;
}

static inline size_t number_of(const struct unit *u)
{
	return (size_t)(u - units);
}

static inline char *slot_address(const struct unit *u, uint32_t i)
{
	return unit_address(number_of(u)) +
	       (size_t)i * hard_classes[u->class].stride;
}

static inline uint32_t index_of(const struct hard_class *k, const char *p)
{
	size_t offset = (uintptr_t)p & (UNIT_BYTES - 1);

	return (uint32_t)(offset * k->reciprocal >> 40);
}

/* Of a unit. */
static inline size_t mapped_bytes(const struct hard_class *k)
{
	return round_up((size_t)k->stride * k->capacity, sys_page());
}

/* Puts one into the ring; the one that has to make room. */
static inline char *recent_put(struct recent *r, char *slot)
{
	char **at = &r->slots[r->at++ % HARD_RECENT], *before = *at;

	*at = slot;
	return before;
}

/*
 * A free slot, any of those at hand if hard_full; NULL: there is no memory.
 * Caller holds the lock of the arena, here and below.
 */
char *pile_take_slow(struct arena *a, unsigned c);

static inline char *pile_take(struct arena *a, unsigned c)
{
	struct pile *pile = &a->piles[c];

	if (!hard_full && likely(pile->count))
		return pile->at_hand[--pile->count];
	return pile_take_slow(a, c);
}

/*
 * Gives all that is at hand to the bits, and units that are wholly free back.
 * What is in quarantine stays there.  Returns whether a unit was.
 */
bool pile_empty(struct arena *a, unsigned c);

/* Takes one back, which is not to be taken again at once if hard_full. */
void pile_give_slow(struct arena *a, unsigned c, char *slot);

static inline void pile_give(struct arena *a, unsigned c, char *slot)
{
	struct pile *pile = &a->piles[c];

	if (!hard_full && likely(pile->count < hard_classes[c].pile))
		pile->at_hand[pile->count++] = slot;
	else
		pile_give_slow(a, c, slot);
}

#endif
