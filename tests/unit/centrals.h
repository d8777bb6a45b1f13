/* SPDX-License-Identifier: MIT */
/*
 * centrals.h - one class's centre, for tests below the thread caches.
 */
#ifndef UNIT_CENTRALS_H
#define UNIT_CENTRALS_H

#include "base/sys.h"
#include "heap/central.h"
#include "heap/check.h"
#include "heap/slab_check.h"
#include "unit/source.h"

enum { C = 4, SIZE = C * CLASS_STEP, MOST = 1 << 16, PLENTY = 5400 };

static struct central *const k = &central[C];
static void *objects[MOST];

__attribute__((unused)) static void start(size_t min_nr)
{
	assert_true(slab_start());
	central_start();
	assert_true(central_set_reserve(min_nr, 0, false));
	lock_take(&k->lock);
}

__attribute__((unused)) static size_t take(size_t count)
{
	size_t got = 0;

	while (got < count && (objects[got] = central_take_one(k)))
		got++;
	return got;
}

/* Takes all there is, with a source that refuses. */
/* Of several slabs, so that there is something to give back. */
__attribute__((unused)) static size_t exhaust(void)
{
	size_t got = take(PLENTY);

	source_refuse();
	while ((objects[got] = central_take_one(k)))
		got++;
	return got;
}

/* A stack of `count` objects in a magazine. */
__attribute__((unused)) static void **stack(void **from, size_t count)
{
	struct magazine *m = depot_take_empty(&k->depot);
	void **top = magazine_empty_top(m);

	for (size_t i = 0; i < count; i++)
		*--top = from[i];
	return top;
}

__attribute__((unused)) static unsigned
resident_pages(void *const *at, size_t count, size_t size)
{
	unsigned pages = 0;

	for (size_t i = 0; i < count; i++) {
		uintptr_t end = (uintptr_t)at[i] + size - 1;
		unsigned char in_memory = 0;

		mincore((void *)(end & ~(sys_page() - 1)), 1, &in_memory);
		pages += in_memory & 1;
	}
	return pages;
}

#endif
