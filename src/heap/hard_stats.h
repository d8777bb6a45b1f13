/* SPDX-License-Identifier: MIT */
/*
 * hard_stats.h - what the hardened heap holds: totals, and a row for objects of
 * similar sizes.
 */
#ifndef HEAP_HARD_STATS_H
#define HEAP_HARD_STATS_H

#include "heap/hard_count.h"
#include "heap/stats.h"

enum { HARD_ROWS = CLASSES };

/*
 * Adds row `i` to what is there: slots of up to 16, 32, ... 256 bytes, two a
 * doubling to 2 KiB, one to 64 KiB, and objects that lie alone.  Takes locks.
 */
void hard_row_add(unsigned i, struct class_stats *stats);

/* Objects that are not free, their bytes, and what is mapped for all. */
struct hard_sum {
	size_t objects, bytes, mapped;
};

void hard_sum_up(struct hard_sum *sum);

#endif
