/* SPDX-License-Identifier: MIT */
/*
 * var_class.h - the size classes of variable pools.
 *
 * 16, 32, ... 128, then four to each doubling as long as eight objects fit a
 * span, then what divides a span by 6, 5, ... 2.  Each is a multiple of 16.
 */
#ifndef POOL_VAR_CLASS_H
#define POOL_VAR_CLASS_H

#include "base/common.h"

enum { VAR_STEP = 16, VAR_CLASSES = 42 };

/* of[i]: the class for sizes up to 16 i.  Never changes. */
struct var_classes {
	unsigned count;
	size_t largest;
	uint16_t sixteenths[VAR_CLASSES];
	uint8_t of[(32 << 10) / VAR_STEP + 1];
};

/*
 * Classes for spans of `span` bytes; sizes are multiples of `align`.  Each has
 * room for `gap` bytes, a multiple of 16, beyond what it is asked for.
 */
void var_classes_make(struct var_classes *v, size_t span, size_t align,
		      size_t gap);

/* `size` <= v->largest. */
static inline unsigned var_class_of(const struct var_classes *v, size_t size)
{
	return v->of[(size + VAR_STEP - 1) / VAR_STEP];
}

static inline size_t var_class_size(const struct var_classes *v, unsigned class)
{
	return (size_t)v->sixteenths[class] * VAR_STEP;
}

#endif
