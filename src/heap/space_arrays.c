/* SPDX-License-Identifier: MIT */
/*
 * space_arrays.c - what is kept for each slab: arrays beside the window.
 *
 * They have room for the whole window and are mapped as far as the window is
 * reserved, so they cost what the program uses, of RLIMIT_DATA and RLIMIT_AS,
 * too.  Two at a time begin in the middle of a page, one grows up and one
 * down: a small program touches that one page of both.
 *
 *   | ...  full bitmaps | half bitmaps <-|-> records | sets <-|-> map | window
 *
 * The map alone can be read for the whole window from the start: free asks it
 * of any address.
 */
#include "heap/space_arrays.h"

#include "base/sys.h"
#include "heap/slab_set.h"

enum { PAIRS = 3 };

size_t space_reach;
char *space_arrays[SPACE_ARRAYS];
uint64_t *space_sets;

/* Two arrays: their bytes for 64 slabs, and what is mapped of them. */
static struct pair {
	size_t up, down;
	char *middle, *low, *high;
} pairs[PAIRS];

static struct pair *const map_pair = &pairs[0];

enum { MAP_BYTES = ARRAY_OFFSET + WINDOW_SLABS };

void arrays_describe(const size_t record_bytes[SPACE_ARRAYS])
{
	map_pair->up = 64;
	map_pair->down = SETS * sizeof(*space_sets);
	pairs[1].up = 64 * record_bytes[0];
	pairs[1].down = 64 * record_bytes[SPACE_ARRAY_DOWN];
	pairs[2].up = 64 * record_bytes[2];
}

static size_t span(size_t bytes)
{
	return round_up(bytes * (WINDOW_SLABS / 64) + ARRAY_OFFSET, 2 * MIB);
}

static COLD uintptr_t place(uintptr_t base)
{
	uintptr_t at = base;

	for (struct pair *p = pairs; p < pairs + PAIRS; p++) {
		at -= span(p->up);
		p->low = p->high = (char *)at;
		p->middle = (char *)at + ARRAY_OFFSET;
		at -= span(p->down);
	}
	space_sets = (uint64_t *)map_pair->middle;
	space_arrays[0] = space_arrays[SPACE_ARRAY_DOWN] = pairs[1].middle;
	space_arrays[2] = pairs[2].middle;
	return at;
}

size_t arrays_span(void)
{
	return 0 - place(0);
}

static bool map_up(const struct pair *p, size_t bytes)
{
	return p == map_pair ? sys_commit(p->high, bytes)
			     : sys_map(p->high, bytes) != NULL;
}

/* Both sides in one call where nothing is mapped yet. */
static bool cover(struct pair *p, size_t slabs)
{
	char *middle = p->middle - ARRAY_OFFSET;
	size_t below = slabs * p->down / 64;
	char *high, *low = middle;

	high = middle + round_up(ARRAY_OFFSET + slabs * p->up / 64, sys_page());
	if (below > ARRAY_OFFSET)
		low -= round_up(below - ARRAY_OFFSET, sys_page());
	if (p->low == p->high && p != map_pair) {
		if (!sys_map(low, (size_t)(high - low)))
			return false;
		p->low = low;
		p->high = high;
	}
	if (high > p->high) {
		if (!map_up(p, (size_t)(high - p->high)))
			return false;
		p->high = high;
	}
	if (low < p->low) {
		if (!sys_map(low, (size_t)(p->low - low)))
			return false;
		p->low = low;
	}
	return true;
}

COLD bool arrays_cover(size_t end)
{
	for (struct pair *p = pairs; p < pairs + PAIRS; p++)
		/* A set's word is of 64 slabs. */
		if (!cover(p, p == map_pair ? round_up(end, 64) : end))
			return false;
	__atomic_store_n(&space_reach,
			 (size_t)(map_pair->high - map_pair->middle),
			 __ATOMIC_RELEASE);
	return true;
}

/* What is there of them. */
static RARE void unmap_all(void)
{
	map_pair->high = map_pair->middle - ARRAY_OFFSET +
			 round_up(MAP_BYTES, sys_page());
	for (struct pair *p = pairs; p < pairs + PAIRS; p++)
		if (p->low != p->high)
			sys_unmap(p->low, (size_t)(p->high - p->low));
}

bool arrays_start(uintptr_t base, size_t slabs)
{
	place(base);
	if (!sys_map_to_read(map_pair->low, round_up(MAP_BYTES, sys_page())))
		return false;
	if (arrays_cover(slabs))
		return true;
	unmap_all();
	return false;
}
