/* SPDX-License-Identifier: MIT */
/*
 * text.c - a snapshot as tables for people.
 *
 * Two tables over the same rows: what the memory is used for, and where it
 * came from.  First for the classes of the small heap, then for the pools.
 */
#include "watch/text.h"

#include <stddef.h>
#include <string.h>

#include "watch/table.h"

enum {
	CELL = 32,	 /* bytes of any cell */
	SHOWN_NAME = 40, /* bytes of the program's name */
	FORWARDED_COLUMN = 12,
	SIZE_COLUMN = 10, /* its title is as long */
	SHARE_COLUMN = 8,
};

#define ROW(member) offsetof(struct snapshot_row, member)

static const struct column class_usage[] = {
	{ "size", "", ROW(stats.size), COLUMN_SIZE, 4 },
	{ "## live  -- peak", "", ROW(live_bytes), COLUMN_BAR, TABLE_BAR + 2 },
	{ "live", "", ROW(stats.live), COLUMN_COUNT, 11 },
	{ "live bytes", "", ROW(live_bytes), COLUMN_BYTES, 12 },
	{ "peak", "", ROW(stats.peak), COLUMN_COUNT, 11 },
	{ "peak bytes", "", ROW(peak_bytes), COLUMN_BYTES, 12 },
	{ "requests", "", ROW(stats.allocs), COLUMN_COUNT, 11 },
	{ "committed", "", ROW(stats.committed_bytes), COLUMN_BYTES, 11 },
	{ "waste", "waste", ROW(stats.waste_bytes), COLUMN_BYTES, 10 },
	{ "returned", "returned bytes", ROW(stats.returned_bytes), COLUMN_BYTES,
	  10 },
};

static const struct column class_supply[] = {
	{ "size", "", ROW(stats.size), COLUMN_SIZE, 4 },
	{ "stock", "", ROW(stats.stock), COLUMN_SHORT_COUNT, 9 },
	{ "cached", "cached objects", ROW(stats.cached), COLUMN_SHORT_COUNT,
	  9 },
	{ "slabs", "", ROW(stats.slabs), COLUMN_SHORT_COUNT, 8 },
	{ "low water", "low-water mark", ROW(stats.low_water),
	  COLUMN_SHORT_COUNT, 11 },
	{ "reserve", "reserve", ROW(stats.reserve_min), COLUMN_RESERVE, 13 },
	{ "used", "use of the reserve", ROW(stats.reserve_used),
	  COLUMN_SHORT_COUNT, 8 },
	{ "refills", "", ROW(stats.refills), COLUMN_SHORT_COUNT, 9 },
	{ "drains", "", ROW(stats.drains), COLUMN_SHORT_COUNT, 9 },
	{ "depot hits", "", ROW(stats.depot_hits), COLUMN_SHORT_COUNT, 12 },
	{ "waits", "waits", ROW(stats.waits), COLUMN_SHORT_COUNT, 8 },
	{ "failures", "failures", ROW(stats.failures), COLUMN_SHORT_COUNT, 10 },
};

#undef ROW
#define ROW(member) offsetof(struct pools_row, member)

static const struct column pool_usage[] = {
	{ "pool", "", ROW(stats.name), COLUMN_NAME, 22 },
	{ "kind", "", ROW(stats.kind), COLUMN_NAME, 9 },
	{ "pools", "", ROW(pools), COLUMN_SHORT_COUNT, 6 },
	{ "size", "", ROW(stats.object_size), COLUMN_COUNT, 9 },
	{ "## live  -- peak", "", ROW(stats.live_bytes), COLUMN_BAR,
	  TABLE_BAR + 2 },
	{ "live", "", ROW(stats.live), COLUMN_COUNT, 10 },
	{ "live bytes", "", ROW(stats.live_bytes), COLUMN_BYTES, 12 },
	{ "peak bytes", "", ROW(stats.peak_bytes), COLUMN_BYTES, 12 },
	{ "held", "", ROW(stats.held_bytes), COLUMN_BYTES, 11 },
};

static const struct column pool_supply[] = {
	{ "pool", "", ROW(stats.name), COLUMN_NAME, 22 },
	{ "kind", "", ROW(stats.kind), COLUMN_NAME, 9 },
	{ "overhead", "overhead", ROW(stats.overhead_bytes), COLUMN_BYTES, 10 },
	{ "stock", "stock", ROW(stats.stock), COLUMN_SHORT_COUNT, 9 },
	{ "refills", "refills", ROW(stats.refills), COLUMN_SHORT_COUNT, 9 },
	{ "reserve", "reserve", ROW(stats.reserve_min), COLUMN_RESERVE, 13 },
	{ "used", "use of the reserve", ROW(stats.reserve_used),
	  COLUMN_SHORT_COUNT, 8 },
	{ "waits", "waits", ROW(stats.waits), COLUMN_SHORT_COUNT, 8 },
	{ "failures", "failures", ROW(stats.failures), COLUMN_SHORT_COUNT, 10 },
};

#undef ROW

/* What COLUMN_BAR and COLUMN_RESERVE take for granted. */
#define FOLLOWS(type, member, before)                                          \
	_Static_assert(offsetof(type, member) ==                               \
			       offsetof(type, before) + sizeof(uint64_t),      \
		       "the next figure")
FOLLOWS(struct snapshot_row, peak_bytes, live_bytes);
FOLLOWS(struct snapshot_row, stats.reserve_current, stats.reserve_min);
FOLLOWS(struct pools_row, stats.peak_bytes, stats.live_bytes);
FOLLOWS(struct pools_row, stats.reserve_current, stats.reserve_min);

#define COLUMNS(array) array, sizeof(array) / sizeof(*(array))

/* Both tables over rows[0..count), and what they leave out. */
static void put_tables(struct out *o, struct table *usage, struct table *supply,
		       const void **rows, size_t count)
{
	struct table *tables[] = { usage, supply };
	size_t at = 0;

	table_sort(rows, count, usage->peak);
	for (int t = 0; t < 2; t++) {
		table_put(o, tables[t], rows, count);
		out_char(o, '\n');
	}
	for (int t = 0; t < 2; t++)
		table_absent(o, tables[t], &at);
	if (at)
		out_str(o, ".\n");
}

static void put_classes(struct out *o, const struct snapshot *snapshot)
{
	const size_t peak = offsetof(struct snapshot_row, peak_bytes);
	struct table usage = { COLUMNS(class_usage), &snapshot->total, true,
			       peak };
	struct table supply = { COLUMNS(class_supply), &snapshot->total, true,
				peak };
	const void *rows[CLASSES];
	size_t count = 0;

	for (unsigned i = 0; i < snapshot->class_count; i++)
		if (class_stats_shown(&snapshot->classes[i].stats))
			rows[count++] = &snapshot->classes[i];
	put_tables(o, &usage, &supply, rows, count);
}

/* Without a sum: what one pool holds may come from another. */
static void put_pools(struct out *o, const struct pools *pools)
{
	const size_t peak = offsetof(struct pools_row, stats.peak_bytes);
	struct pools_row total;
	struct table usage = { COLUMNS(pool_usage), &total, false, peak };
	struct table supply = { COLUMNS(pool_supply), &total, false, peak };
	const void *rows[POOLS_MOST];

	pools_sum(pools, &total);
	for (uint64_t i = 0; i < pools->count; i++)
		rows[i] = &pools->rows[i];
	out_str(o, "Pools of the program");
	if (pools->left_out) {
		out_str(o, ", without ");
		out_grouped(o, pools->left_out);
		out_str(o, " for which there is no room here");
	}
	out_str(o, ":\n");
	put_tables(o, &usage, &supply, rows, pools->count);
}

/* --- sentences --- */

static void put_process(struct out *o, const struct snapshot *snapshot)
{
	out_str(o, snapshot->library ? "libmempool: " : "libmpool: ");
	out_quoted(o, snapshot->program, SHOWN_NAME);
	out_str(o, ", process ");
	out_i64(o, snapshot->pid);
	out_str(o, ", after ");
	if (snapshot->age_ms < 1000) {
		out_u64(o, snapshot->age_ms);
		out_str(o, " ms");
	} else {
		out_fixed(o, snapshot->age_ms / 10, 2);
		out_str(o, " s");
	}
	out_str(o, ", version ");
	out_shown(o, snapshot->version, SIZE_MAX);
	out_char(o, '\n');
}

static void put_requests(struct out *o, const struct snapshot *snapshot)
{
	const struct snapshot_row *total = &snapshot->total;
	uint64_t pooled = total->stats.allocs;
	uint64_t all = snapshot_requests(snapshot);

	out_str(o, snapshot->library ? "The small heap" : "The pools");
	out_str(o, " served ");
	out_grouped(o, pooled);
	out_str(o, pooled == 1 ? " request" : " requests");
	if (snapshot->forwarded_counted && all) {
		out_str(o, ", ");
		out_fixed(o, pooled * 1000 / all, 1);
		out_str(o, " % of all");
	}
	out_str(o, "; ");
	out_grouped(o, total->stats.live);
	out_str(o,
		total->stats.live == 1 ? " object lives, " : " objects live, ");
	out_bytes_human(o, total->live_bytes);
	out_str(o, ".\n");
}

static void put_memory(struct out *o, const struct snapshot *snapshot)
{
	out_str(o, "The process held ");
	out_bytes_human(o, snapshot->peak_rss_bytes);
	out_str(o, " of memory at its peak");
	if (snapshot->rss_bytes) {
		out_str(o, " and holds ");
		out_bytes_human(o, snapshot->rss_bytes);
		out_str(o, " now");
	}
	if (snapshot->heap_used && !snapshot->hardened) {
		out_str(o, snapshot->library ? "; slabs of the small heap: "
					     : "; slabs of the pools: ");
		out_bytes_human(o, snapshot->total.stats.committed_bytes);
	}
	out_str(o, ".\n");
}

static void put_hardened(struct out *o, const struct snapshot *snapshot)
{
	const struct snapshot_row *total = &snapshot->total;

	out_str(o, "Hardened: ");
	out_grouped(o, total->stats.live);
	out_str(o,
		total->stats.live == 1 ? " object lives, " : " objects live, ");
	out_bytes_human(o, total->live_bytes);
	out_str(o, " in ");
	out_bytes_human(o, total->stats.committed_bytes);
	out_str(o, " of mappings.\n");
}

static void put_forwarded_cell(struct out *o, uint64_t n, bool bytes)
{
	char text[CELL];
	struct out cell;

	out_memory(&cell, text, sizeof text);
	if (!n)
		out_char(&cell, '-');
	else if (bytes)
		out_bytes_human(&cell, n);
	else
		table_count(&cell, n);
	out_right(o, &cell, FORWARDED_COLUMN);
}

static void put_forwarded(struct out *o, const struct snapshot *snapshot)
{
	out_str(o, snapshot->hardened
			   ? "\nServed hardened:\n     "
			   : "\nForwarded to the next allocator:\n     ");
	for (int kind = 0; kind < FORWARDED_KINDS; kind++) {
		const char *name = forwarded_name(kind);

		out_pad(o, ' ', FORWARDED_COLUMN - strlen(name));
		out_str(o, name);
	}
	out_str(o, "\ncalls");
	for (int kind = 0; kind < FORWARDED_KINDS; kind++)
		put_forwarded_cell(
			o, forwarded_calls(&snapshot->forwarded[kind]), false);
	out_str(o, "\nbytes");
	for (int kind = 0; kind < FORWARDED_KINDS; kind++)
		put_forwarded_cell(o, snapshot->forwarded[kind].bytes, true);
	out_char(o, '\n');
}

/* Right-aligned, in per cent of `all`. */
static void put_share(struct out *o, uint64_t n, uint64_t all)
{
	char text[CELL];
	struct out cell;

	out_memory(&cell, text, sizeof text);
	out_fixed(&cell, n * 1000 / all, 1);
	out_right(o, &cell, SHARE_COLUMN);
}

/*
 * What a wider border would serve stands in the last column: the share of all
 * requests that were forwarded and are not larger.
 */
static void put_forwarded_sizes(struct out *o, const struct snapshot *snapshot)
{
	uint64_t forwarded = forwarded_all_requests(snapshot->forwarded);
	uint64_t all = snapshot_requests(snapshot), so_far = 0;

	if (!forwarded || !all)
		return;
	out_str(o, "\nRequests among them by size, in % of all requests:\n"
		   "size up to       calls       %     sum\n");
	for (unsigned i = 0; i < FORWARDED_SIZES; i++) {
		uint64_t n = forwarded_requests(snapshot->forwarded, i);
		uint64_t limit = forwarded_limit(i);
		char text[CELL];
		struct out cell;

		if (!n)
			continue;
		out_memory(&cell, text, sizeof text);
		if (limit == UINT64_MAX)
			out_str(&cell, "more");
		else
			out_grouped(&cell, limit);
		out_right(o, &cell, SIZE_COLUMN);
		put_forwarded_cell(o, n, false);
		so_far += n;
		put_share(o, n, all);
		put_share(o, so_far, all);
		out_char(o, '\n');
	}
}

void snapshot_text(const struct snapshot *snapshot, struct out *o)
{
	put_process(o, snapshot);
	if (snapshot->heap_used && !snapshot->hardened)
		put_requests(o, snapshot);
	put_memory(o, snapshot);
	if (snapshot->hardened)
		put_hardened(o, snapshot);
	if (snapshot->heap_used) {
		out_str(o, snapshot->hardened
				   ? "\nHardened, slots of up to so many "
				     "bytes:\n"
				   : "\n");
		put_classes(o, snapshot);
	}
	if (snapshot->forwarded_counted) {
		put_forwarded(o, snapshot);
		put_forwarded_sizes(o, snapshot);
	}
	if (snapshot->pools.count) {
		out_char(o, '\n');
		put_pools(o, &snapshot->pools);
	} else if (snapshot->library) {
		out_str(o, "There is no pool now.\n");
	}
}
