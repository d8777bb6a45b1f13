/* SPDX-License-Identifier: MIT */
/*
 * profile_pools.h - what the pools did, as rows of a profile.
 */
#ifndef WATCH_PROFILE_POOLS_H
#define WATCH_PROFILE_POOLS_H

#include "base/out.h"

/* One row a time; takes the heap's locks. */
void profile_pools(struct out *o);

#endif
