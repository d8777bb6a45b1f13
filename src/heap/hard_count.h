/* SPDX-License-Identifier: MIT */
/*
 * hard_count.h - counts objects of the hardened heap.
 */
#ifndef HEAP_HARD_COUNT_H
#define HEAP_HARD_COUNT_H

#include "base/common.h"

/*
 * bytes: of the objects that are not free.  peaks: as they were when somebody
 * looked.  mapped: bytes, in so many units.  Guarded by the lock of what is
 * counted.
 */
struct hard_count {
	uint64_t allocs, frees, peak;
	uint64_t bytes, peak_bytes;
	uint64_t mapped, units;
};

static inline void count_alloc(struct hard_count *n, size_t size)
{
	n->allocs++;
	n->bytes += size;
}

static inline void count_free(struct hard_count *n, size_t size)
{
	n->frees++;
	n->bytes -= size;
}

static inline void count_peak(struct hard_count *n)
{
	n->peak = max_of(n->peak, n->allocs - n->frees);
	n->peak_bytes = max_of(n->peak_bytes, n->bytes);
}

static inline void count_mapped(struct hard_count *n, size_t bytes)
{
	n->mapped += bytes;
	n->units++;
}

static inline void count_unmapped(struct hard_count *n, size_t bytes)
{
	n->mapped -= bytes;
	n->units--;
}

#endif
