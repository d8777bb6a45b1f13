/* SPDX-License-Identifier: MIT */
/*
 * snapshot.c - all figures at one moment.
 */
#include "watch/snapshot.h"

#include <string.h>

#include "base/config.h"
#include "heap/heap.h"
#include "mempool/version.h"
#include "watch/metrics.h"

_Static_assert(sizeof MEMPOOL_VERSION <= PROCESS_LIBRARY, "no room");

bool snapshot_library;

void snapshot_sum(struct snapshot *snapshot)
{
	struct snapshot_row *total = &snapshot->total;

	*total = (struct snapshot_row){ 0 };
	for (unsigned i = 0; i < snapshot->class_count; i++) {
		struct snapshot_row *row = &snapshot->classes[i];

		if (!class_stats_shown(&row->stats))
			continue;
		row->live_bytes = row->stats.live * row->stats.size;
		row->peak_bytes = row->stats.peak * row->stats.size;
		metrics_add(&class_metrics, total, row);
	}
}

void snapshot_take(struct snapshot *snapshot)
{
	memset(snapshot, 0, offsetof(struct snapshot, pools));
	snapshot->library = snapshot_library;
	snapshot->heap_used = !snapshot_library || heap_is_on();
	strcpy(snapshot->version, MEMPOOL_VERSION);
	snapshot->pid = process_id();
	strncpy(snapshot->program, process_name(),
		sizeof snapshot->program - 1);
	snapshot->labels = config.stats_labels;
	snapshot->age_ms = process_age_ms();
	snapshot->start_ms = process_start_ms();
	snapshot->class_count = class_last;
	for (unsigned c = CLASS_FIRST; c <= class_last; c++)
		heap_class_stats(c, &snapshot->classes[c - CLASS_FIRST].stats);
	snapshot_sum(snapshot);
	snapshot->hardened = snapshot_hard && snapshot_hard(&snapshot->hard);
	snapshot->forwarded_counted = forwarded_counting;
	forwarded_read(snapshot->forwarded);
	snapshot->rss_bytes = process_rss_bytes();
	snapshot->peak_rss_bytes = process_peak_rss_bytes();
	pools_take(&snapshot->pools);
}
