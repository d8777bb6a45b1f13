/* SPDX-License-Identifier: MIT */
/*
 * hard_look.c - whether the memory of slots agrees with what is known of them.
 *
 * Memory that is free is looked at before it is used again, which may be late
 * or never.  So what was freed a few frees ago is looked at once more, while it
 * is in the processor's cache; calls that are slow look at what was given and
 * freed last, and now and then at the free slots of a class.
 */
#include "heap/hard_look.h"

#include "heap/hard.h"
#include "heap/hard_crime.h"

/* Bytes of a free slot, where there are many. */
enum { SOME = 256, FEW = 64 };

void paged_look(const struct hard_class *k, char *slot, char *p, size_t size)
{
	if (!canary_fills(p, before_of(slot, p), p))
		hard_crime(HARD_UNDERFLOW, p, size);
	if (!canary_fills(p, p + size, behind_of(k, slot, p + size)))
		hard_crime(HARD_OVERFLOW, p, size);
}

static inline void look_at_packed(const struct unit *u, uint32_t i, char *slot,
				  size_t most)
{
	const struct hard_class *k = &hard_classes[u->class];
	uint16_t state = packed_of(u)[i];

	if (state && !(state & FREED)) {
		if (unlikely(!packed_is_whole(k, state, slot)))
			hard_crime(HARD_OVERFLOW, slot, state - 1u);
	} else if (hard_full && state &&
		   unlikely(!is_zero(slot, min_of(most, (size_t)k->stride)))) {
		hard_crime(HARD_WRITE_AFTER_FREE, slot, (state & ~FREED) - 1u);
	}
}

static void look_at_paged(const struct unit *u, uint32_t i, char *slot,
			  size_t most)
{
	const struct hard_class *k = &hard_classes[u->class];
	const struct hard_paged *state = &hard_paged_of(u)[i];
	size_t from;

	if (!state->word || state->lead == HARD_RETURNED)
		return;
	if (!(state->word & PAGED_FREED)) {
		paged_look(k, slot, slot + state->lead, state->word - 1);
		return;
	}
	from = most < k->room ? state->lead & -(size_t)16 : 0;
	if (hard_full && !is_zero(slot + from, min_of(most, k->room - from)))
		hard_crime(HARD_WRITE_AFTER_FREE, slot + state->lead,
			   (state->word & ~PAGED_FREED) - 1);
}

static inline void look(const struct unit *u, uint32_t i, char *slot,
			size_t most)
{
	if (hard_is_paged(u->class))
		look_at_paged(u, i, slot, most);
	else if (u->class)
		look_at_packed(u, i, slot, most);
}

void hard_look(char *slot, size_t most)
{
	const struct unit *u = &units[unit_number(slot)];

	look(u, index_of(&hard_classes[u->class], slot), slot, most);
}

void hard_look_recent(struct arena *a)
{
	for (unsigned i = 0; i < HARD_RECENT; i++) {
		if (a->given.slots[i])
			hard_look(a->given.slots[i], FEW);
		if (a->freed.slots[i])
			hard_look(a->freed.slots[i], FEW);
	}
}

void hard_look_waiting(struct arena *a)
{
	unsigned c = a->looked_at++ % HARD_CLASSES;
	const struct pile *pile = &a->piles[c];

	for (unsigned i = 0; i < HARD_PILE; i++)
		if (pile->waiting[i])
			hard_look(pile->waiting[i], SOME);
	for (uint32_t i = 0; i < pile->count; i++)
		hard_look(pile->at_hand[i], SOME);
}

RARE bool hard_look_unit(const struct unit *u)
{
	for (uint32_t i = 0; i < u->fresh; i++)
		look(u, i, slot_address(u, i), SIZE_MAX);
	return false;
}
