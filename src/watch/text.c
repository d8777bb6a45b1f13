/*
 * text.c - a snapshot as a table for people.
 *
 * Two tables over the same rows: what the memory is used for, and where it
 * came from.  ASCII only, for a terminal of any locale.
 */
#include "watch/text.h"

#include <stddef.h>
#include <string.h>

enum {
	CELL = 32,	 /* bytes of any cell */
	SHOWN_NAME = 40, /* bytes of the program's name */
	BAR = 16,
	FORWARDED_COLUMN = 12,
	LINE = 110,
	GROUPED_BELOW = 10000000, /* counts are exact to here, then 12 M */
};

enum kind { SIZE, COUNT, SHORT_COUNT, BYTES, PEAK_BAR, RESERVE };

/* A column that is zero everywhere is left out if it has a name for that. */
struct column {
	char title[16];
	char absent[20];
	uint16_t offset; /* in struct snapshot_row */
	uint8_t kind;
	uint8_t width;
};

#define ROW(member) offsetof(struct snapshot_row, member)

static const struct column usage[] = {
	{ "size", "", ROW(stats.size), SIZE, 4 },
	{ "## live  -- peak", "", ROW(peak_bytes), PEAK_BAR, BAR + 2 },
	{ "live", "", ROW(stats.live), COUNT, 11 },
	{ "live bytes", "", ROW(live_bytes), BYTES, 12 },
	{ "peak", "", ROW(stats.peak), COUNT, 11 },
	{ "peak bytes", "", ROW(peak_bytes), BYTES, 12 },
	{ "requests", "", ROW(stats.allocs), COUNT, 11 },
	{ "committed", "", ROW(stats.committed_bytes), BYTES, 11 },
	{ "waste", "waste", ROW(stats.waste_bytes), BYTES, 10 },
	{ "returned", "returned bytes", ROW(stats.returned_bytes), BYTES, 10 },
};

static const struct column supply[] = {
	{ "size", "", ROW(stats.size), SIZE, 4 },
	{ "stock", "", ROW(stats.stock), SHORT_COUNT, 9 },
	{ "cached", "cached objects", ROW(stats.cached), SHORT_COUNT, 9 },
	{ "slabs", "", ROW(stats.slabs), SHORT_COUNT, 8 },
	{ "low water", "low-water mark", ROW(stats.low_water), SHORT_COUNT,
	  11 },
	{ "reserve", "reserve", ROW(stats.reserve_min), RESERVE, 13 },
	{ "used", "use of the reserve", ROW(stats.reserve_used), SHORT_COUNT,
	  8 },
	{ "refills", "", ROW(stats.refills), SHORT_COUNT, 9 },
	{ "drains", "", ROW(stats.drains), SHORT_COUNT, 9 },
	{ "depot hits", "", ROW(stats.depot_hits), SHORT_COUNT, 12 },
	{ "waits", "waits", ROW(stats.waits), SHORT_COUNT, 8 },
	{ "failures", "failures", ROW(stats.failures), SHORT_COUNT, 10 },
};

/* A table's columns, and what its rows are scaled to. */
struct table {
	const struct column *columns;
	size_t count;
	const struct snapshot *snapshot;
	uint64_t widest; /* peak bytes of the widest row */
};

/* --- cells --- */

static uint64_t value_of(const struct column *column,
			 const struct snapshot_row *row)
{
	return *(const uint64_t *)((const char *)row + column->offset);
}

static void put_count(struct out *o, uint64_t n)
{
	if (n < GROUPED_BELOW)
		out_grouped(o, n);
	else
		out_count_human(o, n);
}

/* `part` of `whole`, drawn `width` wide; what there is at all is seen. */
static size_t share(uint64_t part, uint64_t whole, size_t width)
{
	part = min_of(part, whole);
	/* Halved until the product fits. */
	while (part > UINT64_MAX / width) {
		part /= 2;
		whole /= 2;
	}
	return part ? max_of((size_t)(part * width / whole), (size_t)1) : 0;
}

static void put_bar(struct out *o, const struct snapshot_row *row,
		    uint64_t widest)
{
	size_t peak = share(row->peak_bytes, widest, BAR);
	size_t live = min_of(share(row->live_bytes, widest, BAR), peak);

	out_pad(o, '#', live);
	out_pad(o, '-', peak - live);
}

static void put_value(struct out *o, const struct column *column,
		      const struct snapshot_row *row)
{
	uint64_t n = value_of(column, row);

	if (!n && column->kind == SIZE)
		out_str(o, "sum");
	else if (!n)
		out_char(o, '-');
	else if (column->kind == BYTES)
		out_bytes_human(o, n);
	else if (column->kind == SHORT_COUNT)
		out_count_human(o, n);
	else
		put_count(o, n);
}

static void put_cell(struct out *o, const struct column *column,
		     const struct snapshot_row *row, uint64_t widest)
{
	char text[CELL];
	struct out cell;

	out_memory(&cell, text, sizeof text);
	if (column->kind == PEAK_BAR) {
		out_str(o, "  ");
		if (row->stats.size)
			put_bar(&cell, row, widest);
		out_left(o, &cell, column->width - 2u);
		return;
	}
	if (column->kind == RESERVE && value_of(column, row)) {
		out_count_human(&cell, row->stats.reserve_current);
		out_str(&cell, "/");
		out_count_human(&cell, row->stats.reserve_min);
	} else {
		put_value(&cell, column, row);
	}
	out_right(o, &cell, column->width);
}

static void put_title(struct out *o, const struct column *column)
{
	struct out title;

	out_memory(&title, (char *)column->title, sizeof column->title);
	while (title.used < title.size && title.buffer[title.used])
		title.used++;
	if (column->kind == PEAK_BAR) {
		out_str(o, "  ");
		out_left(o, &title, column->width - 2u);
	} else {
		out_right(o, &title, column->width);
	}
}

/* --- tables --- */

static bool shown(const struct column *column, const struct table *table)
{
	return !*column->absent || value_of(column, &table->snapshot->total);
}

static void put_titles(struct out *o, const struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		if (shown(&table->columns[i], table))
			put_title(o, &table->columns[i]);
	out_char(o, '\n');
}

static void put_rule(struct out *o, const struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		if (shown(&table->columns[i], table))
			out_pad(o, '-', table->columns[i].width);
	out_char(o, '\n');
}

static void put_row(struct out *o, const struct table *table,
		    const struct snapshot_row *row)
{
	for (size_t i = 0; i < table->count; i++)
		if (shown(&table->columns[i], table))
			put_cell(o, &table->columns[i], row, table->widest);
	out_char(o, '\n');
}

/* The classes in `order`, then their sum. */
static void put_table(struct out *o, const struct table *table,
		      const int order[CLASSES])
{
	put_titles(o, table);
	for (int i = 0; i < CLASSES; i++)
		put_row(o, table, &table->snapshot->classes[order[i]]);
	put_rule(o, table);
	put_row(o, table, &table->snapshot->total);
}

/* Fills `order` with class indices, most peak bytes first. */
static void sort_rows(const struct snapshot *snapshot, int order[CLASSES])
{
	const struct snapshot_row *rows = snapshot->classes;

	for (int i = 0; i < CLASSES; i++) {
		int at = i;

		while (at > 0 &&
		       rows[order[at - 1]].peak_bytes < rows[i].peak_bytes) {
			order[at] = order[at - 1];
			at--;
		}
		order[at] = i;
	}
}

/* Names the columns that were left out; `*at` is where the line has got. */
static void put_absent(struct out *o, const struct table *table, size_t *at)
{
	for (size_t i = 0; i < table->count; i++) {
		const char *absent = table->columns[i].absent;
		size_t length = strlen(absent);

		if (shown(&table->columns[i], table))
			continue;
		if (!*at) {
			out_str(o, "None at all: ");
			*at = strlen("None at all: ");
		} else if (*at + length + 3 > LINE) {
			out_str(o, ",\n");
			*at = 0;
		} else {
			out_str(o, ", ");
			*at += 2;
		}
		out_str(o, absent);
		*at += length;
	}
}

/* --- sentences --- */

static uint64_t forwarded_requests(const struct snapshot *snapshot)
{
	uint64_t calls = 0;

	for (int kind = 0; kind < FORWARDED_KINDS; kind++)
		if (kind != FORWARDED_FREE)
			calls += snapshot->forwarded[kind].calls;
	return calls;
}

static void put_summary(struct out *o, const struct snapshot *snapshot)
{
	const struct snapshot_row *total = &snapshot->total;
	uint64_t pooled = total->stats.allocs;
	uint64_t all = pooled + forwarded_requests(snapshot);

	out_str(o, "libmpool: ");
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
	out_str(o, "\nThe pools served ");
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
	out_str(o, ".\nThe process held ");
	out_bytes_human(o, snapshot->peak_rss_bytes);
	out_str(o, " of memory at its peak");
	if (snapshot->rss_bytes) {
		out_str(o, " and holds ");
		out_bytes_human(o, snapshot->rss_bytes);
		out_str(o, " now");
	}
	out_str(o, "; slabs of the pools: ");
	out_bytes_human(o, total->stats.committed_bytes);
	out_str(o, ".\n\n");
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
		put_count(&cell, n);
	out_right(o, &cell, FORWARDED_COLUMN);
}

static void put_forwarded(struct out *o, const struct snapshot *snapshot)
{
	out_str(o, "\nForwarded to the next allocator:\n     ");
	for (int kind = 0; kind < FORWARDED_KINDS; kind++) {
		const char *name = forwarded_name(kind);

		out_pad(o, ' ', FORWARDED_COLUMN - strlen(name));
		out_str(o, name);
	}
	out_str(o, "\ncalls");
	for (int kind = 0; kind < FORWARDED_KINDS; kind++)
		put_forwarded_cell(o, snapshot->forwarded[kind].calls, false);
	out_str(o, "\nbytes");
	for (int kind = 0; kind < FORWARDED_KINDS; kind++)
		put_forwarded_cell(o, snapshot->forwarded[kind].bytes, true);
	out_char(o, '\n');
}

void snapshot_text(const struct snapshot *snapshot, struct out *o)
{
	struct table tables[] = {
		{ usage, sizeof usage / sizeof *usage, snapshot, 0 },
		{ supply, sizeof supply / sizeof *supply, snapshot, 0 },
	};
	int order[CLASSES];
	size_t at = 0;

	sort_rows(snapshot, order);
	put_summary(o, snapshot);
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		tables[i].widest = snapshot->classes[order[0]].peak_bytes;
		put_table(o, &tables[i], order);
		out_char(o, '\n');
	}
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		put_absent(o, &tables[i], &at);
	if (at)
		out_str(o, ".\n");
	if (snapshot->forwarded_counted)
		put_forwarded(o, snapshot);
}
