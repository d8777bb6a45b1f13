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
	snapshot->hardened = snapshot->classes[0].stats.hardened;
	for (unsigned i = 0; i < snapshot->class_count; i++) {
		struct snapshot_row *row = &snapshot->classes[i];

		if (!class_stats_shown(&row->stats))
			continue;
		row->live_bytes = class_stats_live_bytes(&row->stats);
		row->peak_bytes = class_stats_peak_bytes(&row->stats);
		metrics_add(&class_metrics, total, row);
	}
}

uint64_t snapshot_requests(const struct snapshot *snapshot)
{
	uint64_t forwarded = forwarded_all_requests(snapshot->forwarded);

	/* Hardened, what is forwarded is in the rows as well, if it is served.
	 */
	if (snapshot->hardened && snapshot->forwarded_counted)
		return forwarded;
	return snapshot->total.stats.allocs + forwarded;
}

unsigned snapshot_row_count(void)
{
	struct class_stats unused = { 0 };

	return snapshot_hard && snapshot_hard(0, &unused) ? CLASSES
							  : class_last;
}

void snapshot_row_stats(unsigned i, struct class_stats *stats)
{
	*stats = (struct class_stats){ 0 };
	if (i < class_last)
		heap_class_stats(CLASS_FIRST + i, stats);
	if (snapshot_hard)
		snapshot_hard(i, stats);
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
	snapshot->class_count = snapshot_row_count();
	for (unsigned i = 0; i < snapshot->class_count; i++)
		snapshot_row_stats(i, &snapshot->classes[i].stats);
	snapshot_sum(snapshot);
	snapshot->forwarded_counted = forwarded_counting;
	forwarded_read(snapshot->forwarded);
	snapshot->rss_bytes = process_rss_bytes();
	snapshot->peak_rss_bytes = process_peak_rss_bytes();
	pools_take(&snapshot->pools);
}
