/* SPDX-License-Identifier: MIT */
/*
 * groups.h - live samples of a profile by site, thread and kind of leak.
 */
#ifndef MPOOL_GROUPS_H
#define MPOOL_GROUPS_H

#include "profile.h"

/* Sorted by site; of one, each differs in thread or state; ages are none's. */
struct groups {
	struct object *all;
	size_t count;
};

/* Allocated: `all` is the caller's. */
struct groups groups_of(const struct profile *profile);

/* Where the groups of a site begin, or would. */
size_t groups_find(const struct groups *groups, const struct site *site);

/* 0: a group of this site; less: of one before it. */
int groups_order(const struct object *group, const struct site *site);

#endif
