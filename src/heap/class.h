/*
 * class.h - size classes: 16, 32, ... 128 bytes.
 *
 * Class c holds objects of 16 c bytes, each aligned to 16 as with glibc.
 * Class 0 is nobody's: it stands for NULL, foreign and large.
 */
#ifndef HEAP_CLASS_H
#define HEAP_CLASS_H

#include "base/common.h"

enum {
	CLASSES = 8,
	CLASS_FIRST = 1,
	CLASS_STEP = 16,
	SMALL_MAX = CLASSES * CLASS_STEP,
};

/* The smallest class that holds `size` bytes, 1..SMALL_MAX.  0 gives 0. */
static inline unsigned class_of(size_t size)
{
	return (unsigned)((size + CLASS_STEP - 1) / CLASS_STEP);
}

static inline size_t class_size(unsigned c)
{
	return (size_t)c * CLASS_STEP;
}

#endif
