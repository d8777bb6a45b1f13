/* SPDX-License-Identifier: MIT */
/*
 * slabs.h - the slabs of all classes, for tests below the thread caches.
 */
#ifndef UNIT_SLABS_H
#define UNIT_SLABS_H

#include "heap/slab.h"
#include "heap/slab_check.h"

enum { SLABS_MOST = 1 << 16 };

static struct slabs slabs_of[CLASSES + 1];
static void *objects[SLABS_MOST];

__attribute__((unused)) static void slabs_start(size_t low_water)
{
	assert_true(slab_start());
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++)
		slab_init(&slabs_of[c], c, low_water);
}

__attribute__((unused)) static size_t slabs_each(unsigned c)
{
	return SLAB_BYTES / class_size(c);
}

/* Takes `count` objects into objects[0..]. */
__attribute__((unused)) static void slabs_take(unsigned c, size_t count)
{
	assert_int_equal(slab_take(&slabs_of[c], objects, count), count);
	slab_check(&slabs_of[c]);
}

__attribute__((unused)) static void slabs_give(unsigned c, void **from,
					       size_t count)
{
	slab_give(&slabs_of[c], from, count);
	slab_check(&slabs_of[c]);
}

/* Numbers that look random, the same in each run. */
__attribute__((unused)) static size_t slabs_random(size_t below)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(state >> 33) % below;
}

__attribute__((unused)) static void slabs_shuffle(size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = slabs_random(i);
		void *p = objects[i - 1];

		objects[i - 1] = objects[j];
		objects[j] = p;
	}
}

#endif
