/* SPDX-License-Identifier: MIT */
/*
 * hard_class.c - the slots of the hardened heap, by size.
 */
#include "heap/hard_class.h"

#include <sys/resource.h>

#include "base/sys.h"
#include "heap/hard_unit.h"

enum {
	PACKED_BYTES = 252 << 10, /* of a unit that are mapped */
	PAGED_BYTES = 1 << 20,
	WAITING_BYTES = 16 << 10, /* in quarantine, of each class */
};

struct hard_class hard_classes[HARD_CLASSES] LARGE("hard_class");
uint8_t hard_packed[(HARD_PACKED_MOST + HARD_CANARY) / HARD_STEP + 1] LARGE(
	"hard_class");

static RARE unsigned floor_of_power(size_t n)
{
	return 1u << (63 - __builtin_clzll(n));
}

static RARE void describe(struct hard_class *k, size_t room, size_t guard,
			  size_t bytes)
{
	size_t stride = room + guard;
	size_t many = WAITING_BYTES / room;

	k->stride = (uint32_t)stride;
	k->room = (uint32_t)room;
	k->reciprocal = ((UINT64_C(1) << 40) + stride - 1) / stride;
	k->capacity = (uint32_t)max_of(bytes / stride, (size_t)1);
	k->waiting = (uint8_t)floor_of_power(
		min_of(max_of(many, (size_t)4), (size_t)HARD_PILE));
	k->pile = (uint8_t)min_of(max_of(many, (size_t)2), (size_t)HARD_PILE);
}

/*
 * Of each class in use at least one unit is mapped, of each arena: too much for
 * who may have a few MiB of addresses.
 */
static RARE size_t within_limit(size_t bytes, size_t share, size_t least)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return bytes;
	return min_of(bytes, max_of((size_t)limit.rlim_cur / share, least));
}

RARE void hard_classes_start(void)
{
	size_t packed = within_limit(PACKED_BYTES, 2048, 8 << 10);
	size_t paged = within_limit(PAGED_BYTES, 1024, 0);
	static const uint8_t pages[HARD_PAGED] = { 1, 2, 3,  4,	 5,  6,
						   7, 8, 10, 12, 14, 16 };
	size_t size = 0, step = HARD_STEP, page = sys_page();
	unsigned c = 0;

	describe(&hard_classes[0], HARD_STEP, 0, packed);
	while (++c <= HARD_PACKED) {
		if (size >= 256 && !(size & (size - 1)))
			step = size / 8;
		for (size_t i = size / HARD_STEP + 1;
		     i <= (size + step) / HARD_STEP; i++)
			hard_packed[i] = (uint8_t)c;
		size += step;
		describe(&hard_classes[c], size, 0, packed);
	}
	for (unsigned i = 0; i < HARD_PAGED; i++)
		if (pages[i] * page <= HARD_PAGED_MOST)
			describe(&hard_classes[c++], pages[i] * page, page,
				 paged);
}

/* Where slots begin, all multiples of their size lie. */
static unsigned packed_class_of(size_t size, size_t alignment)
{
	unsigned c = hard_packed_class(size);

	while (c <= HARD_PACKED && hard_classes[c].stride % alignment)
		c++;
	return c;
}

unsigned hard_class_of(size_t size, size_t alignment)
{
	unsigned c = HARD_PACKED + 1;

	if (!size)
		return 0;
	if (size <= HARD_PACKED_MOST) {
		c = packed_class_of(size, alignment);
		if (c <= HARD_PACKED)
			return c;
	}
	if (size > HARD_PAGED_MOST || alignment > sys_page())
		return HARD_CLASSES;
	while (c < HARD_CLASSES && hard_classes[c].room < size)
		c++;
	return c;
}
