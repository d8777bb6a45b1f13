/* SPDX-License-Identifier: MIT */
/*
 * span_map.c - whose a page is: of all pools, one map.
 *
 * 4 MiB of addresses for each GiB in which a pool has something; memory is
 * behind those entries alone that were written, 256 of them a page.
 */
#include "pool/span_map.h"

#include "base/sys.h"

#define LEAF_BYTES (sizeof(struct map_entry) << MAP_LEAF_SHIFT)

struct map_entry
	*map_leaves[1 << (MAP_ADDRESS_BITS - MAP_LEAF_SHIFT - MAP_PAGE_SHIFT)];

/* Makes the leaf of a page.  False: memory is out. */
static bool make_leaf(uintptr_t page)
{
	struct map_entry *none = NULL, *leaf;
	size_t i = page >> MAP_LEAF_SHIFT;

	if (__atomic_load_n(&map_leaves[i], __ATOMIC_RELAXED))
		return true;
	leaf = sys_map(NULL, LEAF_BYTES);
	if (!leaf)
		return false;
	sys_stay_small(leaf, LEAF_BYTES);
	sys_name(leaf, LEAF_BYTES, "mempool map");
	if (!__atomic_compare_exchange_n(&map_leaves[i], &none, leaf, false,
					 __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		sys_unmap(leaf, LEAF_BYTES);
	return true;
}

static void set(uintptr_t page, struct stock *k, struct span *s)
{
	struct map_entry *e = &__atomic_load_n(
		&map_leaves[page >> MAP_LEAF_SHIFT],
		__ATOMIC_ACQUIRE)[page & ((1 << MAP_LEAF_SHIFT) - 1)];

	__atomic_store_n(&e->span, s, __ATOMIC_RELAXED);
	__atomic_store_n(&e->stock, k, __ATOMIC_RELAXED);
}

bool map_set(const void *pages, size_t bytes, struct stock *k, struct span *s)
{
	uintptr_t first = (uintptr_t)pages >> MAP_PAGE_SHIFT;
	uintptr_t last = ((uintptr_t)pages + bytes - 1) >> MAP_PAGE_SHIFT;

	/* It lies in two leaves at most. */
	if (!make_leaf(first) || !make_leaf(last))
		return false;
	for (uintptr_t page = first; page <= last; page++)
		set(page, k, s);
	return true;
}

void map_clear(const void *pages, size_t bytes)
{
	map_set(pages, bytes, NULL, NULL);
}
