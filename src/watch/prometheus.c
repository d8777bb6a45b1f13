/* SPDX-License-Identifier: MIT */
/*
 * prometheus.c - a snapshot in Prometheus' text format, version 0.0.4.
 *
 * Metric by metric, as the format wants it: all samples of one name together,
 * below their HELP and TYPE.  Totals are left to the reader's sum().
 */
#include "watch/prometheus.h"

#include <stddef.h>

enum { GAUGE, COUNTER, HISTOGRAM };

#define HEAP "mpool_"
#define POOL "mempool_"

/* A figure of a class or pool.  Counters end in _total, sizes in _bytes. */
struct metric {
	char name[32];
	char help[88];
	uint16_t offset; /* in struct snapshot_row, or struct pools_row */
	uint8_t type;
};

static const struct metric class_metrics[] = {
#define ROW(member) offsetof(struct snapshot_row, member)
	{ "live_objects", "Objects in use.", ROW(stats.live), GAUGE },
	{ "live_bytes", "Bytes of the objects in use.", ROW(live_bytes),
	  GAUGE },
	{ "peak_objects", "Most objects in use at a time.", ROW(stats.peak),
	  GAUGE },
	{ "peak_bytes", "Bytes of the most objects in use at a time.",
	  ROW(peak_bytes), GAUGE },
	{ "stock_objects", "Free objects in slabs, depot and magazines.",
	  ROW(stats.stock), GAUGE },
	{ "cached_objects", "Of the stock: objects in depot and magazines.",
	  ROW(stats.cached), GAUGE },
	{ "allocs_total", "Objects given to the program.", ROW(stats.allocs),
	  COUNTER },
	{ "frees_total", "Objects taken back.", ROW(stats.frees), COUNTER },
	{ "reserve_min_objects", "Objects that the reserve should hold.",
	  ROW(stats.reserve_min), GAUGE },
	{ "reserve_objects", "Objects that the reserve holds.",
	  ROW(stats.reserve_current), GAUGE },
	{ "reserve_used_total", "Objects taken from the reserve.",
	  ROW(stats.reserve_used), COUNTER },
	{ "low_water_objects", "Stock below which the next slab is committed.",
	  ROW(stats.low_water), GAUGE },
	{ "slabs", "Slabs of the class.", ROW(stats.slabs), GAUGE },
	{ "committed_bytes", "Bytes of the slabs, less what was given back.",
	  ROW(stats.committed_bytes), GAUGE },
	{ "returned_bytes_total", "Bytes given back to the kernel.",
	  ROW(stats.returned_bytes), COUNTER },
	{ "waste_bytes",
	  "Bytes of live objects that were not asked for, estimated.",
	  ROW(stats.waste_bytes), GAUGE },
	{ "refills_total", "Magazines filled from slabs.", ROW(stats.refills),
	  COUNTER },
	{ "drains_total", "Magazines emptied to slabs.", ROW(stats.drains),
	  COUNTER },
	{ "depot_hits_total", "Magazines found in the depot.",
	  ROW(stats.depot_hits), COUNTER },
	{ "waits_total", "Calls that waited for a free.", ROW(stats.waits),
	  COUNTER },
	{ "failures_total", "Calls that got NULL.", ROW(stats.failures),
	  COUNTER },
#undef ROW
};

static const struct metric pool_metrics[] = {
#define ROW(member) offsetof(struct pools_row, member)
	{ "pools", "Pools of this name, kind and size.", ROW(pools), GAUGE },
	{ "live_objects", "Objects in use.", ROW(stats.live), GAUGE },
	{ "live_bytes", "Bytes of the objects in use.", ROW(stats.live_bytes),
	  GAUGE },
	{ "peak_bytes", "Most bytes in use at a time.", ROW(stats.peak_bytes),
	  GAUGE },
	{ "stock_objects", "Free objects at hand.", ROW(stats.stock), GAUGE },
	{ "held_bytes", "Bytes taken from the source.", ROW(stats.held_bytes),
	  GAUGE },
	{ "overhead_bytes", "Of them, bookkeeping.", ROW(stats.overhead_bytes),
	  GAUGE },
	{ "reserve_min_objects", "Objects that the reserve should hold.",
	  ROW(stats.reserve_min), GAUGE },
	{ "reserve_objects", "Objects that the reserve holds.",
	  ROW(stats.reserve_current), GAUGE },
	{ "reserve_used_total", "Objects taken from the reserve.",
	  ROW(stats.reserve_used), COUNTER },
	{ "refills_total", "Calls to the source that gave something.",
	  ROW(stats.refills), COUNTER },
	{ "waits_total", "Calls that slept.", ROW(stats.waits), COUNTER },
	{ "failures_total", "Calls that got NULL.", ROW(stats.failures),
	  COUNTER },
#undef ROW
};

static void head(struct out *o, const char *prefix, const char *name,
		 const char *help, int type)
{
	out_str(o, "# HELP ");
	out_str(o, prefix);
	out_str(o, name);
	out_char(o, ' ');
	out_str(o, help);
	out_str(o, "\n# TYPE ");
	out_str(o, prefix);
	out_str(o, name);
	out_str(o, type == COUNTER     ? " counter\n"
		   : type == HISTOGRAM ? " histogram\n"
				       : " gauge\n");
}

/* `PREFIX_NAME{pid="..",program=".."` and what the caller adds. */
static void sample(struct out *o, const struct snapshot *snapshot,
		   const char *prefix, const char *name)
{
	out_str(o, prefix);
	out_str(o, name);
	out_str(o, "{pid=\"");
	out_i64(o, snapshot->pid);
	out_str(o, "\",program=\"");
	out_label(o, snapshot->program);
	out_char(o, '"');
}

static void value(struct out *o, uint64_t n)
{
	out_str(o, "} ");
	out_u64(o, n);
	out_char(o, '\n');
}

static void class_metric(struct out *o, const struct snapshot *snapshot,
			 const struct metric *m)
{
	head(o, HEAP, m->name, m->help, m->type);
	for (unsigned i = 0; i < snapshot->class_count; i++) {
		const struct snapshot_row *row = &snapshot->classes[i];

		if (!class_stats_shown(&row->stats))
			continue;
		sample(o, snapshot, HEAP, m->name);
		out_str(o, ",class=\"");
		out_u64(o, row->stats.size);
		out_char(o, '"');
		value(o, *(const uint64_t *)((const char *)row + m->offset));
	}
}

static void pool_metric(struct out *o, const struct snapshot *snapshot,
			const struct metric *m)
{
	head(o, POOL, m->name, m->help, m->type);
	for (uint64_t i = 0; i < snapshot->pools.count; i++) {
		const struct pools_row *row = &snapshot->pools.rows[i];

		sample(o, snapshot, POOL, m->name);
		out_str(o, ",pool=\"");
		out_label(o, row->stats.name);
		out_str(o, "\",kind=\"");
		out_label(o, row->stats.kind);
		out_str(o, "\",size=\"");
		out_u64(o, row->stats.object_size);
		out_char(o, '"');
		value(o, *(const uint64_t *)((const char *)row + m->offset));
	}
}

/* Nothing in a process without pools. */
static void pools(struct out *o, const struct snapshot *snapshot)
{
	static const size_t count = sizeof pool_metrics / sizeof *pool_metrics;

	if (!snapshot->pools.count)
		return;
	for (size_t i = 0; i < count; i++)
		pool_metric(o, snapshot, &pool_metrics[i]);
	head(o, POOL, "pools_left_out", "Pools that are not among these.",
	     GAUGE);
	sample(o, snapshot, POOL, "pools_left_out");
	value(o, snapshot->pools.left_out);
}

static void forwarded_metric(struct out *o, const struct snapshot *snapshot,
			     const char *name, const char *help, bool calls)
{
	head(o, HEAP, name, help, COUNTER);
	for (int kind = 0; kind < FORWARDED_KINDS; kind++) {
		const struct forwarded_count *f = &snapshot->forwarded[kind];

		sample(o, snapshot, HEAP, name);
		out_str(o, ",kind=\"");
		out_str(o, forwarded_name(kind));
		out_char(o, '"');
		value(o, calls ? forwarded_calls(f) : f->bytes);
	}
}

/* As the format wants it, each bucket holds those before it as well. */
static void forwarded_histogram(struct out *o, const struct snapshot *snapshot)
{
	uint64_t calls = 0;

	head(o, HEAP, "forwarded_request_bytes",
	     "Sizes of the requests passed to the next allocator.", HISTOGRAM);
	for (unsigned i = 0; i < FORWARDED_SIZES; i++) {
		uint64_t limit = forwarded_limit(i);

		calls += forwarded_requests(snapshot->forwarded, i);
		sample(o, snapshot, HEAP, "forwarded_request_bytes_bucket");
		out_str(o, ",le=\"");
		if (limit == UINT64_MAX)
			out_str(o, "+Inf");
		else
			out_u64(o, limit);
		out_char(o, '"');
		value(o, calls);
	}
	sample(o, snapshot, HEAP, "forwarded_request_bytes_sum");
	value(o, forwarded_bytes(snapshot->forwarded));
	sample(o, snapshot, HEAP, "forwarded_request_bytes_count");
	value(o, calls);
}

static void process_metric(struct out *o, const struct snapshot *snapshot,
			   const char *name, const char *help, uint64_t n)
{
	head(o, HEAP, name, help, GAUGE);
	sample(o, snapshot, HEAP, name);
	value(o, n);
}

static void build_info(struct out *o, const struct snapshot *snapshot)
{
	head(o, HEAP, "build_info", "The library that counts, its version.",
	     GAUGE);
	sample(o, snapshot, HEAP, "build_info");
	out_str(o, ",version=\"");
	out_label(o, snapshot->version);
	out_char(o, '"');
	value(o, 1);
}

void snapshot_prometheus(const struct snapshot *snapshot, struct out *o)
{
	static const size_t count =
		sizeof class_metrics / sizeof *class_metrics;

	build_info(o, snapshot);
	for (size_t i = 0; i < count && snapshot->heap_used; i++)
		class_metric(o, snapshot, &class_metrics[i]);
	pools(o, snapshot);
	if (snapshot->forwarded_counted) {
		forwarded_metric(o, snapshot, "forwarded_calls_total",
				 "Calls passed to the next allocator.", true);
		forwarded_metric(o, snapshot, "forwarded_bytes_total",
				 "Bytes asked of the next allocator.", false);
		forwarded_histogram(o, snapshot);
	}
	if (snapshot->rss_bytes)
		process_metric(o, snapshot, "rss_bytes",
			       "Resident memory of the process.",
			       snapshot->rss_bytes);
	process_metric(o, snapshot, "peak_rss_bytes",
		       "Most resident memory of the process.",
		       snapshot->peak_rss_bytes);
	head(o, HEAP, "age_seconds", "Time since the process started.", GAUGE);
	sample(o, snapshot, HEAP, "age_seconds");
	out_str(o, "} ");
	out_fixed(o, snapshot->age_ms, 3);
	out_char(o, '\n');
}
