/* SPDX-License-Identifier: MIT */
/*
 * metrics.c - the figures of a class and of a pool: each is said once.
 */
#include "watch/metrics.h"

#include <stddef.h>

#include "watch/snapshot.h"

static const struct metric of_class[] = {
#define ROW(member) offsetof(struct snapshot_row, member)
	{ "live_objects", "live", "Objects in use.", ROW(stats.live),
	  METRIC_GAUGE },
	{ "live_bytes", "live_bytes", "Bytes of the objects in use.",
	  ROW(live_bytes), METRIC_GAUGE },
	{ "peak_objects", "peak", "Most objects in use at a time.",
	  ROW(stats.peak), METRIC_GAUGE },
	{ "peak_bytes", "peak_bytes",
	  "Bytes of the most objects in use at a time.", ROW(peak_bytes),
	  METRIC_GAUGE },
	{ "stock_objects", "stock",
	  "Free objects in slabs, depot and magazines.", ROW(stats.stock),
	  METRIC_GAUGE },
	{ "cached_objects", "cached",
	  "Of the stock: objects in depot and magazines.", ROW(stats.cached),
	  METRIC_GAUGE },
	{ "allocs_total", "allocs", "Objects given to the program.",
	  ROW(stats.allocs), METRIC_COUNTER },
	{ "frees_total", "frees", "Objects taken back.", ROW(stats.frees),
	  METRIC_COUNTER },
	{ "reserve_min_objects", "reserve.min",
	  "Objects that the reserve should hold.", ROW(stats.reserve_min),
	  METRIC_GAUGE },
	{ "reserve_objects", "reserve.current",
	  "Objects that the reserve holds.", ROW(stats.reserve_current),
	  METRIC_GAUGE },
	{ "reserve_used_total", "reserve.used",
	  "Objects taken from the reserve.", ROW(stats.reserve_used),
	  METRIC_COUNTER },
	{ "low_water_objects", "low_water",
	  "Stock below which the next slab is committed.", ROW(stats.low_water),
	  METRIC_GAUGE },
	{ "slabs", "slabs", "Slabs of the class.", ROW(stats.slabs),
	  METRIC_GAUGE },
	{ "committed_bytes", "committed_bytes",
	  "Bytes of the slabs, less what was given back.",
	  ROW(stats.committed_bytes), METRIC_GAUGE },
	{ "returned_bytes_total", "returned_bytes",
	  "Bytes given back to the kernel.", ROW(stats.returned_bytes),
	  METRIC_COUNTER },
	{ "waste_bytes", "waste_bytes",
	  "Bytes of live objects that were not asked for, estimated.",
	  ROW(stats.waste_bytes), METRIC_GAUGE },
	{ "refills_total", "refills", "Magazines filled from slabs.",
	  ROW(stats.refills), METRIC_COUNTER },
	{ "drains_total", "drains", "Magazines emptied to slabs.",
	  ROW(stats.drains), METRIC_COUNTER },
	{ "depot_hits_total", "depot_hits", "Magazines found in the depot.",
	  ROW(stats.depot_hits), METRIC_COUNTER },
	{ "waits_total", "waits", "Calls that waited for a free.",
	  ROW(stats.waits), METRIC_COUNTER },
	{ "failures_total", "failures", "Calls that got NULL.",
	  ROW(stats.failures), METRIC_COUNTER },
#undef ROW
};

static const struct metric of_pool[] = {
#define ROW(member) offsetof(struct pools_row, member)
	{ "pools", "pools", "Pools of this name, kind and size.", ROW(pools),
	  METRIC_GAUGE },
	{ "live_objects", "live", "Objects in use.", ROW(stats.live),
	  METRIC_GAUGE },
	{ "live_bytes", "live_bytes", "Bytes of the objects in use.",
	  ROW(stats.live_bytes), METRIC_GAUGE },
	{ "peak_bytes", "peak_bytes", "Most bytes in use at a time.",
	  ROW(stats.peak_bytes), METRIC_GAUGE },
	{ "stock_objects", "stock", "Free objects at hand.", ROW(stats.stock),
	  METRIC_GAUGE },
	{ "held_bytes", "held_bytes", "Bytes taken from the source.",
	  ROW(stats.held_bytes), METRIC_GAUGE },
	{ "overhead_bytes", "overhead_bytes", "Of them, bookkeeping.",
	  ROW(stats.overhead_bytes), METRIC_GAUGE },
	{ "reserve_min_objects", "reserve.min",
	  "Objects that the reserve should hold.", ROW(stats.reserve_min),
	  METRIC_GAUGE },
	{ "reserve_objects", "reserve.current",
	  "Objects that the reserve holds.", ROW(stats.reserve_current),
	  METRIC_GAUGE },
	{ "reserve_used_total", "reserve.used",
	  "Objects taken from the reserve.", ROW(stats.reserve_used),
	  METRIC_COUNTER },
	{ "refills_total", "refills",
	  "Calls to the source that gave something.", ROW(stats.refills),
	  METRIC_COUNTER },
	{ "waits_total", "waits", "Calls that slept.", ROW(stats.waits),
	  METRIC_COUNTER },
	{ "failures_total", "failures", "Calls that got NULL.",
	  ROW(stats.failures), METRIC_COUNTER },
#undef ROW
};

#define METRICS(array)                                                         \
	{                                                                      \
		array, sizeof(array) / sizeof(*(array))                        \
	}

const struct metrics class_metrics = METRICS(of_class);
const struct metrics pool_metrics = METRICS(of_pool);

void metrics_add(const struct metrics *metrics, void *sum, const void *row)
{
	for (size_t i = 0; i < metrics->count; i++) {
		const struct metric *m = &metrics->of[i];

		*(uint64_t *)((char *)sum + m->offset) += metric_of(m, row);
	}
}
