/* SPDX-License-Identifier: MIT */
/*
 * adopt.c - the heap in a child whose fork nobody announced (_Fork, clone).
 */
#include "heap/adopt.h"

#include "heap/cache.h"
#include "heap/central.h"
#include "heap/registry.h"

struct lock heap_start_lock = LOCK(RANK_START);

RARE void heap_adopt(void)
{
	if (!lock_renew_process())
		return;
	if (space_locked())
		space_abandon();
	space_reset_lock();
	magazine_reset_lock();
	registry_reset(cache_is_ready(&heap_cache) ? &heap_cache : NULL);
	for (unsigned c = CLASS_FIRST; c <= class_last; c++)
		central_adopt(&central[c]);
	lock_reset(&heap_start_lock);
	if (heap_adopted)
		heap_adopted();
}
