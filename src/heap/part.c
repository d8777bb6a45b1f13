/* SPDX-License-Identifier: MIT */
/*
 * part.c - the first slabs are committed in part.
 */
#include "heap/part.h"

#include "base/sys.h"

uint8_t part_units[PART_SLABS];

static void set_units(size_t d, size_t bytes)
{
	__atomic_store_n(&part_units[d], (uint8_t)(bytes / PART_UNIT),
			 __ATOMIC_RELAXED);
}

struct part part_of(size_t d)
{
	struct part part = { 0, SLAB_BYTES };
	unsigned bytes;

	if (part_is_whole(d))
		return part;
	bytes = __atomic_load_n(&part_units[d], __ATOMIC_RELAXED) * PART_UNIT;
	if (d % 2)
		part.to = bytes;
	else
		part.from = SLAB_BYTES - bytes;
	return part;
}

uint32_t part_lacks(size_t d)
{
	struct part part = part_of(d);

	return SLAB_BYTES - (part.to - part.from);
}

size_t part_commit(size_t d, size_t bytes)
{
	char *at = (char *)space_address(d);
	size_t count = d % 2 ? 1 : 2;

	if (!(d % 2))
		at += SLAB_BYTES - bytes;
	if (count == 2 && !sys_commit(at, 2 * bytes))
		count = 1;
	if (count == 1 && !sys_commit(at, bytes))
		return 0;
	for (size_t i = 0; i < count; i++)
		set_units(d + i, bytes);
	return count;
}

bool part_complete(size_t d)
{
	struct part part = part_of(d);
	char *slab = (char *)space_address(d);

	if (!sys_commit(d % 2 ? slab + part.to : slab,
			d % 2 ? SLAB_BYTES - part.to : part.from))
		return false;
	set_units(d, 0);
	return true;
}

RARE void part_forget(size_t d)
{
	if (d < PART_SLABS)
		set_units(d, 0);
}
