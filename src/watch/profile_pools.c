/* SPDX-License-Identifier: MIT */
/*
 * profile_pools.c - what the pools did, as rows of a profile.
 */
#include "watch/profile_pools.h"

#include "watch/forwarded.h"
#include "watch/metrics.h"
#include "watch/snapshot.h"

static void number(struct out *o, uint64_t n)
{
	out_char(o, ' ');
	out_u64(o, n);
}

/* What is 0 is left out. */
static void put_class(struct out *o, const struct snapshot_row *row)
{
	out_str(o, "class");
	number(o, row->stats.size);
	number(o, row->stats.hardened);
	for (size_t i = 0; i < class_metrics.count; i++) {
		const struct metric *m = &class_metrics.of[i];

		if (!metric_of(m, row))
			continue;
		out_char(o, ' ');
		out_str(o, m->key);
		number(o, metric_of(m, row));
	}
	out_char(o, '\n');
}

static void put_classes(struct out *o)
{
	for (unsigned i = 0; i < snapshot_row_count(); i++) {
		struct snapshot_row row = { 0 };

		snapshot_row_stats(i, &row.stats);
		if (!class_stats_shown(&row.stats))
			continue;
		row.live_bytes = class_stats_live_bytes(&row.stats);
		row.peak_bytes = class_stats_peak_bytes(&row.stats);
		put_class(o, &row);
	}
}

static void put_forwarded(struct out *o)
{
	struct forwarded_count counts[FORWARDED_KINDS];

	forwarded_read(counts);
	for (unsigned kind = 0; kind < FORWARDED_KINDS && forwarded_counting;
	     kind++) {
		out_str(o, "forwarded ");
		out_str(o, forwarded_name(kind));
		number(o, counts[kind].bytes);
		for (unsigned i = 0; i < FORWARDED_SIZES; i++)
			number(o, counts[kind].calls[i]);
		out_char(o, '\n');
	}
}

void profile_pools(struct out *o)
{
	put_classes(o);
	put_forwarded(o);
}
