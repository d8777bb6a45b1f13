/* SPDX-License-Identifier: MIT */
/*
 * var_class.c - the size classes of variable pools.
 */
#include "pool/var_class.h"

enum {
	LINEAR_MAX = 128,
	QUARTERS = 4,
	SPAN_EIGHTHS = 8,
	SPAN_LEAST = 2,
};

static void add(struct var_classes *v, size_t size, size_t align)
{
	size = round_up(size, align);
	if (size <= v->largest)
		return;
	v->sixteenths[v->count++] = (uint16_t)(size / VAR_STEP);
	v->largest = size;
}

void var_classes_make(struct var_classes *v, size_t span, size_t align,
		      size_t gap)
{
	unsigned class = 0;

	v->count = 0;
	v->largest = 0;
	for (size_t size = VAR_STEP; size <= LINEAR_MAX; size += VAR_STEP)
		add(v, size, align);
	for (size_t base = LINEAR_MAX; base < span / SPAN_EIGHTHS; base *= 2)
		for (size_t i = 1; i <= QUARTERS; i++)
			add(v, base + base / QUARTERS * i, align);
	for (size_t n = SPAN_EIGHTHS - 1; n >= SPAN_LEAST; n--)
		add(v, span / n & ~(align - 1), align);
	v->largest -= gap;
	for (size_t i = 0; i <= v->largest / VAR_STEP; i++) {
		class += i + gap / VAR_STEP > v->sixteenths[class];
		v->of[i] = (uint8_t) class;
	}
}
