/* SPDX-License-Identifier: MIT */
/*
 * layout.c - where the heap's own data lie, for who reads them from outside.
 */
#include "watch/layout.h"

#include "heap/cache.h"
#include "heap/central.h"
#include "heap/record.h"
#include "mempool/version.h"
#include "watch/forwarded.h"

_Static_assert(sizeof(struct layout_shape) % 8 == 0, "the linker goes on here");

const struct layout_shape layout_shape
	__attribute__((section(LAYOUT_SECTION), used, aligned(8))) = {
	.magic = LAYOUT_MAGIC,
	.bytes = sizeof(struct layout_shape),
	.library = MEMPOOL_VERSION,
	.fields = {
		CLASSES,
		SMALL_CLASSES,
		CLASS_STEP,
		SLAB_BYTES,
		PAGES_MOST,
		MAGAZINE_SLOTS,
		sizeof(struct cache),
		offsetof(struct cache, of),
		offsetof(struct cache, loaded),
		offsetof(struct cache, unloaded),
		offsetof(struct cache, link.next),
		offsetof(struct cache, link.prev),
		offsetof(struct cache, state),
		CACHE_BUSY,
		sizeof(struct side),
		offsetof(struct side, alloc),
		offsetof(struct side, free),
		sizeof(struct central),
		offsetof(struct central, lock),
		offsetof(struct central, allocs),
		offsetof(struct central, frees),
		offsetof(struct central, peak),
		offsetof(struct central, refills),
		offsetof(struct central, drains),
		offsetof(struct central, depot_hits),
		offsetof(struct central, failures),
		offsetof(struct central, sampled),
		offsetof(struct central, sampled_waste),
		offsetof(struct central, depot.objects),
		offsetof(struct central, racks),
		RACKS,
		offsetof(struct racks, of),
		sizeof(struct rack),
		offsetof(struct rack, depot.objects),
		offsetof(struct rack, hits),
		offsetof(struct central, slabs.c),
		offsetof(struct central, slabs.count),
		offsetof(struct central, slabs.free_objects),
		offsetof(struct central, slabs.purged_pages),
		offsetof(struct central, slabs.returned_bytes),
		offsetof(struct central, reserve.min),
		offsetof(struct central, reserve.used),
		offsetof(struct central, reserve.waits),
		sizeof(struct forwarded_counter),
		FORWARDED_KINDS,
		FORWARDED_SIZES,
		offsetof(struct forwarded_counter, count.calls),
	},
};
