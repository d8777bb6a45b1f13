/* SPDX-License-Identifier: MIT */
/*
 * hard_class.h - the slots of the hardened heap, by size.
 *
 *   0        objects of no bytes: addresses of 16 bytes without memory
 *   1..40    slots of 16, 32, ... 256, then eight a doubling, up to 2 KiB; an
 *            object has 8 bytes behind it at least
 *   41..     slots of 1 to 16 pages of 4 KiB and one page that is a guard;
 *            objects end where it begins, but for their alignment
 */
#ifndef HEAP_HARD_CLASS_H
#define HEAP_HARD_CLASS_H

#include "base/common.h"

enum {
	HARD_STEP = 16,
	HARD_CANARY = 8,
	HARD_PACKED_MOST = 2048 - HARD_CANARY, /* bytes of an object */
	HARD_PAGED_MOST = 64 << 10,
	HARD_PACKED = 40, /* the last such class */
	HARD_PAGED = 12,  /* classes of pages, at most */
	HARD_CLASSES = 1 + HARD_PACKED + HARD_PAGED,
	HARD_PILE = 64, /* slots that an arena has at hand, at most */
};

/*
 * room: what an object may take of `stride`.  reciprocal: 2^40 / stride,
 * rounded up.
 */
struct hard_class {
	uint64_t reciprocal;
	uint32_t stride, room, capacity;
	uint8_t pile, waiting; /* slots at hand; in quarantine, a power of 2 */
};

extern HIDDEN struct hard_class hard_classes[HARD_CLASSES];

/* The packed class of an object, by its steps with the canary. */
extern HIDDEN uint8_t
	hard_packed[(HARD_PACKED_MOST + HARD_CANARY) / HARD_STEP + 1];

void hard_classes_start(void);

/* For 1..HARD_PACKED_MOST bytes. */
static inline unsigned hard_packed_class(size_t size)
{
	return hard_packed[(size + HARD_CANARY + HARD_STEP - 1) / HARD_STEP];
}

/*
 * The class for objects of `size` bytes with an alignment; HARD_CLASSES: they
 * lie alone.
 */
unsigned hard_class_of(size_t size, size_t alignment);

static inline bool hard_is_paged(unsigned c)
{
	return c > HARD_PACKED;
}

#endif
