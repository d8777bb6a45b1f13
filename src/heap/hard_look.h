/* SPDX-License-Identifier: MIT */
/*
 * hard_look.h - what is known of slots of the hardened heap, and whether their
 * memory agrees.
 */
#ifndef HEAP_HARD_LOOK_H
#define HEAP_HARD_LOOK_H

#include "heap/hard_canary.h"
#include "heap/hard_pile.h"

enum { LOOKED_AT = 32 }; /* bytes beside an object, or of a free neighbour */

/*
 * What is known of a slot.  0: fresh.  Else the size of its object and one,
 * and whether it is free now.  Paged ones know where in its slot it begins.
 */
enum { FREED = 1 << 15 };
#define PAGED_FREED (UINT32_C(1) << 31)

static inline uint16_t *packed_of(const struct unit *u)
{
	return u->states;
}

typedef uint64_t two_words __attribute__((vector_size(16), may_alias));

/* Both are multiples of 16. */
static inline bool is_zero(const char *p, size_t bytes)
{
	const two_words *at = (const void *)p, *end = (const void *)(p + bytes);
	two_words seen = { 0, 0 };

	for (; at < end; at++)
		seen |= *at;
	return !(seen[0] | seen[1]);
}

static inline bool packed_is_whole(const struct hard_class *k, uint16_t state,
				   const char *slot)
{
	return canary_is_whole(slot, state - 1u, slot + k->stride);
}

/* The few bytes on both sides of an object of pages that are the canary. */
static inline char *before_of(const char *slot, char *p)
{
	return p - min_of((size_t)(p - slot), (size_t)LOOKED_AT);
}

static inline char *behind_of(const struct hard_class *k, char *slot, char *end)
{
	return end + min_of((size_t)(slot + k->room - end), (size_t)LOOKED_AT);
}

/* Of an object in pages.  What has been changed ends the program, here and
 * below. */
void paged_look(const struct hard_class *k, char *slot, char *p, size_t size);

/*
 * A slot: the canary of an object, or `most` bytes of free memory, of paged
 * ones from the object's begin.  Caller holds the lock of the arena, here and
 * below.
 */
void hard_look(char *slot, size_t most);

/* The slots that were given and freed last. */
void hard_look_recent(struct arena *a);

/* Those of a class that are free and at hand or in quarantine; in turn. */
void hard_look_waiting(struct arena *a);

/* Every slot.  False: for walks. */
bool hard_look_unit(const struct unit *u);

#endif
