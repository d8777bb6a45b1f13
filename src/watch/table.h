/* SPDX-License-Identifier: MIT */
/*
 * table.h - rows of figures for people, in columns.
 *
 * ASCII only, for a terminal of any locale.
 */
#ifndef WATCH_TABLE_H
#define WATCH_TABLE_H

#include "base/common.h"
#include "base/out.h"

enum {
	TABLE_LINE = 110,
	TABLE_BAR = 16,
};

/* What lies at a column's offset in each row: uint64_t, unless told. */
enum column_kind {
	COLUMN_NAME, /* char[], a stranger's; left-aligned */
	COLUMN_SIZE, /* "sum" in the row of the total */
	COLUMN_COUNT,
	COLUMN_SHORT_COUNT,
	COLUMN_BYTES,
	COLUMN_BAR,	/* live and peak: two, one after the other */
	COLUMN_RESERVE, /* min and current: likewise */
};

/* A column that is zero everywhere is left out if it has a name for that. */
struct column {
	char title[20];
	char absent[20];
	uint16_t offset;
	uint8_t kind;
	uint8_t width;
};

struct table {
	const struct column *columns;
	size_t count;
	const void *total; /* a row with the sums of all */
	bool sums;	   /* the total is shown as well */
	size_t peak;	   /* offset in a row: what bars are scaled to */
};

/* Sorts by the uint64_t at `offset` of each row, the largest first. */
void table_sort(const void **rows, size_t count, size_t offset);

/* Titles, the sorted rows, and below a rule the total, if it is shown. */
void table_put(struct out *o, const struct table *table,
	       const void *const *rows, size_t count);

/* Names the columns left out; `*at` is where the line has got: 0 at first. */
void table_absent(struct out *o, const struct table *table, size_t *at);

/* A count as it stands in cells: exact up to 10 million. */
void table_count(struct out *o, uint64_t n);

#endif
