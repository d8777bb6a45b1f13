/* SPDX-License-Identifier: MIT */
/*
 * ranges.h - what lies at an address: ranges that may lie inside each other.
 */
#ifndef MPOOL_RANGES_H
#define MPOOL_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* low <= at < high; reach is the highest end of it and of all before it. */
struct range {
	uint64_t low, high, reach;
	size_t what;
};

/* Zeroed: none.  Those of equal bounds stand in the order they were added in.
 */
struct ranges {
	struct range *all;
	size_t count, room;
};

void ranges_add(struct ranges *r, uint64_t low, uint64_t high, size_t what);

/* Once all are added. */
void ranges_sort(struct ranges *r);

/* The innermost that `at` lies in, of equal ones the last; NULL: none. */
const struct range *ranges_find(const struct ranges *r, uint64_t at);

/* The last that begins at or before `at`; NULL: none. */
const struct range *ranges_before(const struct ranges *r, uint64_t at);

void ranges_free(struct ranges *r);

#endif
