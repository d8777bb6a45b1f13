/* SPDX-License-Identifier: MIT */
/*
 * regions.h - what the tests of regions share.
 */
#ifndef UNIT_REGIONS_H
#define UNIT_REGIONS_H

#include "mempool/region.h"
#include "unit/sources.h"

static inline mempool_region_t *region_named(const char *name)
{
	struct mempool_options o = { .name = name };

	return mempool_region_create(&o);
}

#endif
