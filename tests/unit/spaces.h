/* SPDX-License-Identifier: MIT */
/*
 * spaces.h - the address range of the pools, for tests of it alone.
 *
 * The modules themselves are included, not linked: their constants are needed,
 * and their state must be spoilt to see that space_check() notices.  Time
 * passes as the test says: clock_ms.
 */
#ifndef UNIT_SPACES_H
#define UNIT_SPACES_H

#include "base/sys.h"

static uint64_t clock_ms = 10000;
#define sys_about_now_ms() (clock_ms)

#include "heap/space.c"
#include "heap/space_arrays.c"
#include "heap/vacant.c"
#include "unit/limits.h"
#include "unit/source.h"

enum { MOST = 4096 };

static const size_t record_bytes[SPACE_ARRAYS] = { 64, 128, 128 };

static size_t slabs[MOST];

__attribute__((unused)) static void start(void)
{
	assert_true(space_start(record_bytes));
}

__attribute__((unused)) static void take(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		slabs[i] = space_take();
		assert_int_not_equal(slabs[i], SPACE_NONE);
	}
}

__attribute__((unused)) static void give(size_t count)
{
	for (size_t i = 0; i < count; i++)
		space_give(slabs[i]);
	space_check();
}

__attribute__((unused)) static char *memory_of(size_t slab)
{
	return (char *)space_address(slab);
}

__attribute__((unused)) static struct space_stats stats(void)
{
	struct space_stats s;

	space_stats(&s);
	return s;
}

#endif
