/* SPDX-License-Identifier: MIT */
/*
 * slab_purge.c - gives back pages without a used object, in slabs that
 * something else still holds.
 *
 * Nothing of the heap is kept in free objects, so a page of them may lose its
 * contents at any time: the bitmap does not change, and who gets an object
 * there touches a fresh page.
 */
#include "heap/slab_purge.h"

#include "base/sys.h"

unsigned slab_used_parts(const struct slab *slab, unsigned c)
{
	const uint64_t *bits = bits_of(number_of(slab), c);
	unsigned capacity = capacity_of(c), parts = 0;

	for (unsigned w = 0; w * 64 < capacity; w++) {
		uint64_t used = ~bits[w];

		if ((w + 1) * 64 > capacity)
			used &= ((uint64_t)1 << capacity % 64) - 1;
		for (; used; used &= used - 1) {
			size_t at = (w * 64 + (unsigned)__builtin_ctzll(used)) *
				    class_size(c);

			size_t from = at / (SLAB_BYTES / PAGES_MOST);
			size_t to = (at + class_size(c) - 1) /
				    (SLAB_BYTES / PAGES_MOST);

			parts |= (2u << to) - (1u << from);
		}
	}
	return parts;
}

/* Gives back runs of pages whose sixteenths are all unused. */
static size_t purge_slab(struct slabs *slabs, struct slab *slab)
{
	size_t part = SLAB_BYTES / PAGES_MOST;
	size_t step = max_of(sys_page() / part, (size_t)1);
	unsigned busy = slab_used_parts(slab, slabs->c) | slab->purged;
	char *base = (char *)space_address(number_of(slab));
	size_t bytes = 0;

	if (sys_page() > part * PAGES_MOST)
		return 0;
	for (size_t i = 0, run; i < PAGES_MOST; i = run + step) {
		for (run = i; run < PAGES_MOST; run += step)
			if (busy >> run & ((1u << step) - 1))
				break;
		if (run == i || !sys_return(base + i * part, (run - i) * part))
			continue;
		bytes += (run - i) * part;
		slab->purged |= (uint16_t)(((1u << (run - i)) - 1) << i);
		slabs->purged_pages += run - i;
	}
	slabs->returned_bytes += bytes;
	return bytes;
}

size_t slab_purge(struct slabs *slabs)
{
	unsigned capacity = capacity_of(slabs->c);
	size_t bytes = 0;

	slabs->used_at_purge = slab_used(slabs);
	for (uint32_t d = slabs->first; d != NO_SLAB; d = record_of(d)->next)
		if (record_of(d)->free > capacity / 2)
			bytes += purge_slab(slabs, record_of(d));
	return bytes;
}
