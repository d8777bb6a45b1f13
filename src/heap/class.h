/* SPDX-License-Identifier: MIT */
/*
 * class.h - size classes: 16, 32, ... 128 bytes, then four a doubling up to
 * 8 KiB; class.c has the list.
 *
 * The first eight are small: always served, and found by arithmetic.  The
 * others are wide: served as far as the border says, and found in a table.
 * Each object is aligned to 16 as with glibc, and to the largest power of two
 * that divides its class's size.  Class 0 is nobody's: it stands for NULL,
 * foreign and large.
 */
#ifndef HEAP_CLASS_H
#define HEAP_CLASS_H

#include "base/common.h"

enum {
	CLASS_FIRST = 1,
	CLASS_STEP = 16,
	SMALL_CLASSES = 8,
	SMALL_MAX = SMALL_CLASSES * CLASS_STEP,
	CLASSES = 32,
	WIDE_MAX = 8192,
};

/*
 * capacity: objects in a slab; what is left at its end is less than 2 %.
 * fill: objects of a magazine's side, so that a side of a wide class is 32 KiB
 * at most.
 */
struct class_shape {
	uint32_t reciprocal; /* 2^32 / size, rounded up */
	uint16_t size, capacity;
};

extern HIDDEN const struct class_shape class_shapes[CLASSES + 1];
extern HIDDEN const uint8_t class_fills[CLASSES + 1];

/* The class of `size` is class_numbers[(size + CLASS_STEP - 1) / CLASS_STEP].
 */
extern HIDDEN const uint8_t class_numbers[WIDE_MAX / CLASS_STEP + 1];

/*
 * The border: up to so many bytes are served from the pools, SMALL_MAX unless
 * it is set.  class_served is the last class below it, class_last the last that
 * may have objects: small ones may before the border is set.
 */
extern HIDDEN size_t class_border;
extern HIDDEN unsigned class_served, class_last;

static inline unsigned small_class_of(size_t size)
{
	return (unsigned)((size + CLASS_STEP - 1) / CLASS_STEP);
}

/* The same for any size, 0..WIDE_MAX, in the table. */
static inline unsigned wide_class_of(size_t size)
{
	return class_numbers[(size + CLASS_STEP - 1) / CLASS_STEP];
}

/* The smallest class that holds `size` bytes, 1..WIDE_MAX.  0 gives 0. */
static inline unsigned class_of(size_t size)
{
	return likely(size <= SMALL_MAX) ? small_class_of(size)
					 : wide_class_of(size);
}

/*
 * Once, at start, before there are threads: `bytes`, 1..WIDE_MAX, rounded up
 * to a class.
 */
void class_set_border(size_t bytes);

/* From now on no request is served: somebody else does that. */
void class_serve_none(void);

static inline size_t class_size(unsigned c)
{
	return class_shapes[c].size;
}

static inline unsigned class_fill(unsigned c)
{
	return class_fills[c];
}

/*
 * Whether an object of `old` bytes stays when it is to have `size`: a small one
 * if its class is the same, a wide one while more than half of it is used, for
 * what moves for less would save less.
 */
static inline bool class_keeps(size_t old, size_t size)
{
	if (old <= SMALL_MAX)
		return round_up(max_of(size, (size_t)1), CLASS_STEP) == old;
	return size <= old && size > old / 2;
}

#endif
