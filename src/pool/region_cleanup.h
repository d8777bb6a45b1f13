/* SPDX-License-Identifier: MIT */
/*
 * region_cleanup.h - what a region calls before it frees.
 */
#ifndef POOL_REGION_CLEANUP_H
#define POOL_REGION_CLEANUP_H

#include "pool/region.h"

/* Calls, the latest first, those that were added at `since` or later. */
void cleanup_run(struct region *r, uint64_t since);

#endif
