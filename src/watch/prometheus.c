/* SPDX-License-Identifier: MIT */
/*
 * prometheus.c - a snapshot in Prometheus' text format, version 0.0.4.
 *
 * Metric by metric, as the format wants it: all samples of one name together,
 * below their HELP and TYPE.  Totals are left to the reader's sum().
 */
#include "watch/prometheus.h"

#include <string.h>

#include "base/label.h"
#include "watch/metrics.h"

#define HEAP "mpool_"
#define POOL "mempool_"

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
	out_str(o, type == METRIC_COUNTER     ? " counter\n"
		   : type == METRIC_HISTOGRAM ? " histogram\n"
					      : " gauge\n");
}

/* `PREFIX_NAME{pid="..",program=".."` and what the caller adds. */
static void sample(struct out *o, const struct snapshot *snapshot,
		   const char *prefix, const char *name)
{
	const char *at = snapshot->labels, *label, *text;
	bool with_pid = true;

	while (label_next(&at, &label, &text))
		with_pid &= strcmp(label, "pid") || snapshot->among_others;
	out_str(o, prefix);
	out_str(o, name);
	out_char(o, '{');
	if (with_pid) {
		out_str(o, "pid=\"");
		out_i64(o, snapshot->pid);
		out_str(o, "\",");
	}
	out_str(o, "program=\"");
	out_label(o, snapshot->program);
	out_char(o, '"');
	for (at = snapshot->labels; label_next(&at, &label, &text);) {
		if (!*text)
			continue;
		out_char(o, ',');
		out_str(o, label);
		out_str(o, "=\"");
		out_label(o, text);
		out_char(o, '"');
	}
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
		out_str(o, row->stats.hardened ? "\",hardened=\"1\"" : "\"");
		value(o, metric_of(m, row));
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
		value(o, metric_of(m, row));
	}
}

/* Nothing in a process without pools. */
static void pools(struct out *o, const struct snapshot *snapshot)
{
	if (!snapshot->pools.count)
		return;
	for (size_t i = 0; i < pool_metrics.count; i++)
		pool_metric(o, snapshot, &pool_metrics.of[i]);
	head(o, POOL, "pools_left_out", "Pools that are not among these.",
	     METRIC_GAUGE);
	sample(o, snapshot, POOL, "pools_left_out");
	value(o, snapshot->pools.left_out);
}

static void forwarded_metric(struct out *o, const struct snapshot *snapshot,
			     const char *name, const char *help, bool calls)
{
	head(o, HEAP, name, help, METRIC_COUNTER);
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
	     "Sizes of the requests passed to the next allocator.",
	     METRIC_HISTOGRAM);
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
	head(o, HEAP, name, help, METRIC_GAUGE);
	sample(o, snapshot, HEAP, name);
	value(o, n);
}

static void build_info(struct out *o, const struct snapshot *snapshot)
{
	head(o, HEAP, "build_info", "The library that counts, its version.",
	     METRIC_GAUGE);
	sample(o, snapshot, HEAP, "build_info");
	out_str(o, ",version=\"");
	out_label(o, snapshot->version);
	out_char(o, '"');
	value(o, 1);
}

static void start_time(struct out *o, const struct snapshot *snapshot)
{
	if (!snapshot->start_ms)
		return;
	head(o, HEAP, "start_time_seconds",
	     "When the process started, since 1970.", METRIC_GAUGE);
	sample(o, snapshot, HEAP, "start_time_seconds");
	out_str(o, "} ");
	out_fixed(o, snapshot->start_ms, 3);
	out_char(o, '\n');
}

void snapshot_prometheus(const struct snapshot *snapshot, struct out *o)
{
	build_info(o, snapshot);
	for (size_t i = 0; i < class_metrics.count && snapshot->heap_used; i++)
		class_metric(o, snapshot, &class_metrics.of[i]);
	pools(o, snapshot);
	if (snapshot->forwarded_counted) {
		forwarded_metric(o, snapshot, "forwarded_calls_total",
				 "Calls passed to the next allocator.", true);
		forwarded_metric(o, snapshot, "forwarded_bytes_total",
				 "Bytes asked of the next allocator.", false);
		forwarded_histogram(o, snapshot);
	}
	process_metric(o, snapshot, "up",
		       "1 while the process runs, 0 in what it leaves behind.",
		       !snapshot->ended);
	if (snapshot->rss_bytes)
		process_metric(o, snapshot, "rss_bytes",
			       "Resident memory of the process.",
			       snapshot->rss_bytes);
	process_metric(o, snapshot, "peak_rss_bytes",
		       "Most resident memory of the process.",
		       snapshot->peak_rss_bytes);
	start_time(o, snapshot);
	head(o, HEAP, "age_seconds", "Time since the process started.",
	     METRIC_GAUGE);
	sample(o, snapshot, HEAP, "age_seconds");
	out_str(o, "} ");
	out_fixed(o, snapshot->age_ms, 3);
	out_char(o, '\n');
}
