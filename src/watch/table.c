/* SPDX-License-Identifier: MIT */
/*
 * table.c - rows of figures for people, in columns.
 */
#include "watch/table.h"

#include <string.h>

enum {
	CELL = 96,		  /* bytes of any cell, escapes included */
	GROUPED_BELOW = 10000000, /* counts are exact to here, then 12 M */
};

/* --- cells --- */

static const uint64_t *values_of(const void *row, size_t offset)
{
	return (const uint64_t *)((const char *)row + offset);
}

static uint64_t value_at(const void *row, size_t offset)
{
	return *values_of(row, offset);
}

void table_count(struct out *o, uint64_t n)
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
	if (!part || !whole)
		return 0;
	return max_of((size_t)(part * width / whole), (size_t)1);
}

static void put_bar(struct out *o, const uint64_t live_and_peak[2],
		    uint64_t widest)
{
	size_t peak = share(live_and_peak[1], widest, TABLE_BAR);
	size_t live = min_of(share(live_and_peak[0], widest, TABLE_BAR), peak);

	out_pad(o, '#', live);
	out_pad(o, '-', peak - live);
}

/* As far as the column is wide, without the quotes. */
static void put_name(struct out *o, const char *name, size_t width)
{
	char text[CELL];
	bool fits = strnlen(name, width) < width;
	struct out cell;

	out_memory(&cell, text, sizeof text);
	out_quoted(&cell, name, fits ? width : width - strlen("... "));
	cell.buffer++;
	cell.used = min_of(cell.used - 2, width - 1);
	out_left(o, &cell, width);
}

/* A name, as elsewhere, as long as there is room. */
static void put_size(struct out *o, uint64_t n)
{
	unsigned unit = 0;

	for (; n >= 10000; n /= 1024)
		unit++;
	out_u64(o, n);
	if (unit)
		out_char(o, " KMGTPE"[unit]);
}

static void put_value(struct out *o, const struct column *column, uint64_t n)
{
	if (!n)
		out_char(o, '-');
	else if (column->kind == COLUMN_BYTES)
		out_bytes_human(o, n);
	else if (column->kind == COLUMN_SHORT_COUNT ||
		 column->kind == COLUMN_RESERVE)
		out_count_human(o, n);
	else
		table_count(o, n);
}

static void put_cell(struct out *o, const struct column *column,
		     const struct table *table, const void *row,
		     uint64_t widest)
{
	const uint64_t *values = values_of(row, column->offset);
	char text[CELL];
	struct out cell;

	out_memory(&cell, text, sizeof text);
	switch (column->kind) {
	case COLUMN_NAME:
		put_name(o, (const char *)values, column->width);
		return;
	case COLUMN_BAR:
		out_str(o, "  ");
		if (row != table->total)
			put_bar(&cell, values, widest);
		out_left(o, &cell, column->width - 2u);
		return;
	case COLUMN_RESERVE:
		if (values[0]) {
			out_count_human(&cell, values[1]);
			out_str(&cell, "/");
		}
		put_value(&cell, column, values[0]);
		break;
	case COLUMN_SIZE:
		if (row == table->total)
			out_str(&cell, "sum");
		else
			put_size(&cell, values[0]);
		break;
	default:
		put_value(&cell, column, values[0]);
		break;
	}
	out_right(o, &cell, column->width);
}

static void put_title(struct out *o, const struct column *column)
{
	struct out title;

	out_memory(&title, (char *)column->title, sizeof column->title);
	while (title.used < title.size && title.buffer[title.used])
		title.used++;
	if (column->kind == COLUMN_BAR) {
		out_str(o, "  ");
		out_left(o, &title, column->width - 2u);
	} else if (column->kind == COLUMN_NAME) {
		out_left(o, &title, column->width);
	} else {
		out_right(o, &title, column->width);
	}
}

/* --- rows --- */

static bool shown(const struct column *column, const struct table *table)
{
	return !*column->absent || value_at(table->total, column->offset);
}

static void put_titles(struct out *o, const struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		if (shown(&table->columns[i], table))
			put_title(o, &table->columns[i]);
	out_char(o, '\n');
}

static void put_row(struct out *o, const struct table *table, const void *row,
		    uint64_t widest)
{
	for (size_t i = 0; i < table->count; i++)
		if (shown(&table->columns[i], table))
			put_cell(o, &table->columns[i], table, row, widest);
	out_char(o, '\n');
}

static void put_rule(struct out *o, const struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		if (shown(&table->columns[i], table))
			out_pad(o, '-', table->columns[i].width);
	out_char(o, '\n');
}

void table_put(struct out *o, const struct table *table,
	       const void *const *rows, size_t count)
{
	uint64_t widest = count ? value_at(rows[0], table->peak) : 0;

	put_titles(o, table);
	for (size_t i = 0; i < count; i++)
		put_row(o, table, rows[i], widest);
	if (table->sums) {
		put_rule(o, table);
		put_row(o, table, table->total, widest);
	}
}

void table_sort(const void **rows, size_t count, size_t offset)
{
	for (size_t i = 1; i < count; i++) {
		const void *row = rows[i];
		size_t at = i;

		while (at > 0 &&
		       value_at(rows[at - 1], offset) < value_at(row, offset)) {
			rows[at] = rows[at - 1];
			at--;
		}
		rows[at] = row;
	}
}

void table_absent(struct out *o, const struct table *table, size_t *at)
{
	for (size_t i = 0; i < table->count; i++) {
		const char *absent = table->columns[i].absent;
		size_t length = strlen(absent);

		if (shown(&table->columns[i], table))
			continue;
		if (!*at) {
			out_str(o, "None at all: ");
			*at = strlen("None at all: ");
		} else if (*at + length + 3 > TABLE_LINE) {
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
