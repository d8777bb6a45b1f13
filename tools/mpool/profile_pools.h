/* SPDX-License-Identifier: MIT */
/*
 * profile_pools.h - what the pools did, of a profile's rows.
 */
#ifndef MPOOL_PROFILE_POOLS_H
#define MPOOL_PROFILE_POOLS_H

#include "profile.h"

/* Read a row behind its first word.  NULL, or what is wrong with it. */
const char *profile_read_class(struct profile *profile, char *at);
const char *profile_read_forwarded(struct profile *profile, char *at);

/* After the last row. */
void profile_sum_pools(struct profile *profile);

#endif
