/* SPDX-License-Identifier: MIT */
/*
 * scarce.h - a heap that is brought to the end of its memory.
 */
#ifndef UNIT_SCARCE_H
#define UNIT_SCARCE_H

#include "unit/heaps.h"
#include "unit/source.h"

enum { C = 4, SIZE = C * CLASS_STEP, RESERVE = 64 };

/* Takes everything but the reserve; what was got is in objects[]. */
__attribute__((unused)) static size_t run_out(void)
{
	size_t got;

	source_refuse();
	got = heaps_exhaust(SIZE, objects);
	assert_int_equal(central[C].reserve.current, RESERVE);
	return got;
}

/* Takes the reserve, too. */
__attribute__((unused)) static size_t run_dry(void)
{
	size_t got = run_out();

	while ((objects[got] = cache_alloc_reserve(SIZE)))
		got++;
	return got;
}

#endif
