/* SPDX-License-Identifier: MIT */
/*
 * json.c - a snapshot as JSON, a class a line.
 */
#include "watch/json.h"

#include <string.h>

#include "base/label.h"
#include "watch/metrics.h"

/* `before` opens an object or separates from the member before. */
static void member(struct out *o, const char *before, const char *name,
		   uint64_t value)
{
	out_str(o, before);
	out_char(o, '"');
	out_str(o, name);
	out_str(o, "\":");
	out_u64(o, value);
}

/* "reserve.min" and what follows it are members of "reserve". */
static void figures(struct out *o, const struct metrics *metrics,
		    const void *row)
{
	const char *inside = NULL;

	for (size_t i = 0; i < metrics->count; i++) {
		const struct metric *m = &metrics->of[i];
		const char *dot = strchr(m->key, '.');
		const char *before = i ? "," : "";

		if (inside && !dot)
			out_char(o, '}');
		if (dot && !inside) {
			out_str(o, before);
			out_char(o, '"');
			for (const char *at = m->key; at != dot; at++)
				out_char(o, *at);
			out_str(o, "\":");
			before = "{";
		}
		inside = dot;
		member(o, before, dot ? dot + 1 : m->key, metric_of(m, row));
	}
	out_str(o, inside ? "}}" : "}");
}

static void forwarded(struct out *o, const struct snapshot *snapshot)
{
	out_str(o, ",\n\"forwarded\":{");
	if (snapshot->forwarded_counted) {
		for (int kind = 0; kind < FORWARDED_KINDS; kind++) {
			out_str(o, kind ? ",\"" : "\"");
			out_str(o, forwarded_name(kind));
			out_str(o, "\":");
			member(o, "{", "calls",
			       forwarded_calls(&snapshot->forwarded[kind]));
			member(o, ",", "bytes",
			       snapshot->forwarded[kind].bytes);
			out_char(o, '}');
		}
	}
	out_char(o, '}');
}

/* A range of sizes a line, of which the last has no end. */
static void forwarded_sizes(struct out *o, const struct snapshot *snapshot)
{
	uint64_t min = 0;

	out_str(o, ",\n\"forwarded_sizes\":[");
	for (unsigned i = 0; i < FORWARDED_SIZES && snapshot->forwarded_counted;
	     i++) {
		uint64_t max = forwarded_limit(i);

		member(o, i ? ",\n{" : "\n{", "min", min);
		if (max != UINT64_MAX)
			member(o, ",", "max", max);
		member(o, ",", "calls",
		       forwarded_requests(snapshot->forwarded, i));
		out_char(o, '}');
		min = max + 1;
	}
	out_char(o, ']');
}

static void put_pool(struct out *o, const struct pools_row *row)
{
	const struct mempool_stats *s = &row->stats;

	out_str(o, "{\"name\":");
	out_json_string(o, s->name);
	out_str(o, ",\"kind\":");
	out_json_string(o, s->kind);
	member(o, ",", "object_size", s->object_size);
	out_char(o, ',');
	figures(o, &pool_metrics, row);
}

/* Nothing in a process without pools. */
static void put_pools(struct out *o, const struct pools *pools)
{
	if (!pools->count)
		return;
	out_str(o, ",\n\"pools\":[");
	for (uint64_t i = 0; i < pools->count; i++) {
		out_str(o, i ? ",\n" : "\n");
		put_pool(o, &pools->rows[i]);
	}
	out_str(o, "\n]");
	member(o, ",", "pools_left_out", pools->left_out);
}

/* Nothing without any: an empty value says that there is no such label. */
static void labels(struct out *o, const char *at)
{
	const char *name, *value;
	bool any = false;

	while (label_next(&at, &name, &value)) {
		if (!*value)
			continue;
		out_str(o, any ? "," : ",\"labels\":{");
		any = true;
		out_json_string(o, name);
		out_char(o, ':');
		out_json_string(o, value);
	}
	if (any)
		out_char(o, '}');
}

void snapshot_json(const struct snapshot *snapshot, struct out *o)
{
	const char *before = "\n{";

	out_str(o, "{\"schema\":\"mpool-stats/1\",\"version\":");
	out_json_string(o, snapshot->version);
	member(o, ",", "pid", (uint64_t)snapshot->pid);
	out_str(o, ",\"program\":");
	out_json_string(o, snapshot->program);
	labels(o, snapshot->labels);
	out_str(o, ",\"seconds\":");
	out_fixed(o, snapshot->age_ms, 3);
	out_str(o, ",\n\"classes\":[");
	for (unsigned i = 0; i < snapshot->class_count && snapshot->heap_used;
	     i++) {
		const struct snapshot_row *class = &snapshot->classes[i];

		if (!class_stats_shown(&class->stats))
			continue;
		member(o, before, "size", class->stats.size);
		before = ",\n{";
		out_str(o, class->stats.hardened ? ",\"hardened\":true," : ",");
		figures(o, &class_metrics, class);
	}
	out_str(o, "\n],\n\"totals\":{");
	figures(o, &class_metrics, &snapshot->total);
	forwarded(o, snapshot);
	forwarded_sizes(o, snapshot);
	if (snapshot->hardened) {
		out_str(o, ",\n\"hardened\":");
		member(o, "{", "live", snapshot->total.stats.live);
		member(o, ",", "live_bytes", snapshot->total.live_bytes);
		member(o, ",", "mapped_bytes",
		       snapshot->total.stats.committed_bytes);
		out_char(o, '}');
	}
	member(o, ",\n", "rss_bytes", snapshot->rss_bytes);
	member(o, ",", "peak_rss_bytes", snapshot->peak_rss_bytes);
	put_pools(o, &snapshot->pools);
	out_str(o, "}\n");
}
