/*
 * space_arrays.c - what is kept for each slab: arrays beside the window.
 *
 * They have room for the whole window and are mapped as far as the window is
 * reserved, so they cost what the program uses, of RLIMIT_DATA and RLIMIT_AS,
 * too.  Two at a time begin in the middle of a page, one grows up and one
 * down: a small program touches that one page of both.
 *
 *   | ...  full bitmaps | sets <-|-> map | half bitmaps <-|-> records | window
 */
#include "heap/space_arrays.h"

#include "base/sys.h"
#include "heap/slab_set.h"

enum { PAIRS = 3 };

size_t space_reach;
uint8_t *space_map;
char *space_arrays[SPACE_ARRAYS];
uint64_t *space_sets;

/* Two arrays: their bytes for 64 slabs, and what is mapped of them. */
static struct pair {
	size_t up, down;
	char *middle, *low, *high;
} pairs[PAIRS];

void arrays_describe(const size_t record_bytes[SPACE_ARRAYS])
{
	pairs[0].up = 64 * record_bytes[0];
	pairs[0].down = 64 * record_bytes[SPACE_ARRAY_DOWN];
	pairs[1].up = 64 * sizeof(*space_map);
	pairs[1].down = SETS * sizeof(*space_sets);
	pairs[2].up = 64 * record_bytes[2];
}

static size_t span(size_t bytes)
{
	return round_up(bytes * (WINDOW_SLABS / 64) + ARRAY_OFFSET, 2 * MIB);
}

size_t arrays_place(uintptr_t base)
{
	uintptr_t at = base;

	for (struct pair *p = pairs; p < pairs + PAIRS; p++) {
		at -= span(p->up);
		p->low = p->high = (char *)at;
		p->middle = (char *)at + ARRAY_OFFSET;
		at -= span(p->down);
	}
	space_arrays[0] = space_arrays[SPACE_ARRAY_DOWN] = pairs[0].middle;
	space_map = (uint8_t *)pairs[1].middle;
	space_sets = (uint64_t *)pairs[1].middle;
	space_arrays[2] = pairs[2].middle;
	return base - at;
}

/* Both sides in one call where nothing is mapped yet. */
static bool cover(struct pair *p, size_t words)
{
	char *middle = p->middle - ARRAY_OFFSET;
	size_t below = words * p->down;
	char *high, *low = middle;

	high = middle + round_up(ARRAY_OFFSET + words * p->up, sys_page());
	if (below > ARRAY_OFFSET)
		low -= round_up(below - ARRAY_OFFSET, sys_page());
	if (p->low == p->high) {
		if (!sys_map(low, (size_t)(high - low)))
			return false;
		p->low = low;
		p->high = high;
	}
	if (high > p->high) {
		if (!sys_map(p->high, (size_t)(high - p->high)))
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

bool arrays_cover(size_t end)
{
	for (struct pair *p = pairs; p < pairs + PAIRS; p++)
		if (!cover(p, (end + 63) / 64))
			return false;
	__atomic_store_n(&space_reach,
			 (size_t)(pairs[1].high - (char *)space_map),
			 __ATOMIC_RELEASE);
	return true;
}

RARE void arrays_unmap(void)
{
	for (struct pair *p = pairs; p < pairs + PAIRS; p++) {
		if (p->low != p->high)
			sys_unmap(p->low, (size_t)(p->high - p->low));
		p->low = p->high = p->middle - ARRAY_OFFSET;
	}
}
