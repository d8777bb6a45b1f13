/* SPDX-License-Identifier: MIT */
/*
 * hard_slot.h - objects of the hardened heap in slots of one size.
 */
#ifndef HEAP_HARD_SLOT_H
#define HEAP_HARD_SLOT_H

#include "base/lock.h"
#include "heap/hard_class.h"
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
};

/* Zeroed but for its number.  Whoever holds its lock owns it. */
struct arena {
	struct lock lock;
	uint8_t number;
	uint64_t random;
	struct pile piles[HARD_CLASSES];
};

/* Caller holds the lock of the arena, which is that of the unit. */
void *slot_alloc_packed(struct arena *a, unsigned c, size_t size);
void *slot_alloc_paged(struct arena *a, unsigned c, size_t size,
		       size_t alignment);
void slot_free(struct arena *a, struct unit *u, char *p);

/* The size of the object at `p`; what is none ends the program. */
size_t slot_size(const struct unit *u, const char *p);

/* False: it does not fit where it is. */
bool slot_resize(struct unit *u, char *p, size_t size);

/* Adds the objects of a unit, and what is mapped for it. */
struct hard_sum;
void slot_add(const struct unit *u, struct hard_sum *sum);

/* Looks at every slot. */
void slot_check(const struct unit *u, struct hard_sum *unused);

#endif
