/* SPDX-License-Identifier: MIT */
/*
 * hard_slot.h - objects of the hardened heap in slots of one size.
 */
#ifndef HEAP_HARD_SLOT_H
#define HEAP_HARD_SLOT_H

#include "heap/hard_pile.h"

/* Caller holds the lock of the arena, which is that of the unit. */
void *slot_alloc_packed(struct arena *a, unsigned c, size_t size);
void *slot_alloc_paged(struct arena *a, unsigned c, size_t size,
		       size_t alignment);
void slot_free(struct arena *a, struct unit *u, char *p);

/* The size of the object at `p`; what is none ends the program. */
size_t slot_size(const struct unit *u, const char *p);

/* False: it does not fit where it is. */
bool slot_resize(struct arena *a, struct unit *u, char *p, size_t size);

#endif
