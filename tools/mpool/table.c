/* SPDX-License-Identifier: MIT */
/*
 * table.c - the functions that hold most, and the callers and callees of one,
 * as tables for people.
 */
#include "formats.h"

#include <math.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/common.h"
#include "cli.h"
#include "neighbours.h"

enum { ERROR_COLUMN = 13 };

/* flat: allocated by the function itself; cumulative: and by what it calls. */
struct row {
	const char *name; /* not ended by zero: `length` bytes */
	size_t length;
	double flat, variance, cumulative; /* variance: of flat */
	double calls, ages;		   /* of what was short-lived */
	const struct way *last;		   /* that came by */
};

struct rows {
	struct row **rows;
	size_t count, room;
	void *names; /* tree of the rows */
};

static int by_name(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return memcmp(x->name, y->name, x->length);
}

static struct row *row_of(struct rows *r, const char *name, size_t length)
{
	struct row wanted = { .name = name, .length = length };
	struct row **found = tsearch(&wanted, &r->names, by_name);

	if (!found)
		cli_die("out of memory");
	if (*found != &wanted)
		return *found;
	if (r->count == r->room) {
		r->room = r->room ? 2 * r->room : 64;
		r->rows = cli_grow(r->rows, r->room * sizeof *r->rows);
	}
	*found = r->rows[r->count++] = cli_alloc(sizeof wanted);
	**found = wanted;
	return *found;
}

static void add_way(struct rows *r, const struct way *way, enum value value)
{
	double n = way->value[value].n;

	for (const char *at = way->key, *rest; at; at = rest) {
		size_t length = tally_first(at, &rest);
		struct row *row = row_of(r, at, length);

		/* A function that calls itself counts once. */
		if (row->last != way)
			row->cumulative += n;
		row->last = way;
		if (!rest) {
			row->flat += n;
			row->variance += way->value[value].variance;
			row->calls += way->value[BRIEF_COUNT].n;
			row->ages += way->brief_ms;
		}
	}
}

static int by_flat(const void *a, const void *b)
{
	const struct row *x = *(struct row *const *)a;
	const struct row *y = *(struct row *const *)b;
	double p = fabs(x->flat), q = fabs(y->flat);

	if (p == q) {
		p = fabs(x->cumulative);
		q = fabs(y->cumulative);
	}
	return p < q ? 1 : p > q ? -1 : 0;
}

/* Rows whose memory is all freed, or as it was, come last: how many do not. */
static size_t sort_rows(struct rows *r)
{
	size_t count = r->count;

	if (count)
		qsort(r->rows, count, sizeof *r->rows, by_flat);
	while (count && fabs(r->rows[count - 1]->flat) < 0.5 &&
	       fabs(r->rows[count - 1]->cumulative) < 0.5)
		count--;
	return count;
}

static size_t rows_shown(size_t count, const struct format_options *options)
{
	return options->lines ? min_of(options->lines, count) : count;
}

static void put_more(FILE *out, size_t left)
{
	if (left)
		fprintf(out, "%12s and %zu more; --lines 0 shows all\n", "",
			left);
}

static double percent(double part, double whole)
{
	return whole ? 100 * part / fabs(whole) : 0;
}

static void put_sum(FILE *out, const struct estimate *sum, enum value value,
		    const struct format_options *options)
{
	fprintf(out, "%s%s %s%s", value_human(value, sum->n, options->diff),
		value_error(value, sum->variance), value_name(value),
		options->diff ? ", the difference" : "");
	if (sum->variance)
		fprintf(out, ", from %s sample%s",
			cli_count((uint64_t)sum->samples),
			sum->samples > 1.5 ? "s" : "");
	fprintf(out, "%s\n\n", options->more ? options->more : "");
}

static void put_empty(FILE *out, const struct tally *tally, bool all)
{
	if (!tally->sum[TOTAL_COUNT].samples && tally->lost)
		fputs("None of what was sampled is in the file.\n", out);
	else if (!tally->sum[TOTAL_COUNT].samples && all)
		fputs("Nothing was allocated while this was recorded.\n", out);
	else if (!tally->sum[TOTAL_COUNT].samples)
		fputs("Nothing was sampled; 'mpool run --sample=4k' looks more "
		      "closely, --sample=1 at everything.\n",
		      out);
	else
		fputs("None of what was sampled; --total shows all of it.\n",
		      out);
}

/* How often, and after how long it was freed, in the mean. */
static void put_brief(FILE *out, const struct row *row)
{
	double calls = fabs(row->calls);

	if (calls < 0.5)
		fprintf(out, " %9s %9s", "-", "-");
	else
		fprintf(out, " %9s %6.2f ms",
			cli_count((uint64_t)(calls + 0.5)),
			fabs(row->ages) / calls);
}

void format_table(FILE *out, const struct tally *tally, enum value value,
		  const struct format_options *options)
{
	const struct estimate *sum = &tally->sum[value];
	double whole = sum->n, running = 0;
	struct rows r = { 0 };
	bool brief = value_view(value) == VIEW_BRIEF;
	size_t count, shown;
	int error;

	put_sum(out, sum, value, options);
	for (size_t i = 0; i < tally->count; i++)
		add_way(&r, &tally->ways[i], value);
	count = sort_rows(&r);
	if (!count && !options->diff && !options->filtered)
		put_empty(out, tally, options->all);
	error = sum->variance ? ERROR_COLUMN : 0;
	if (count || options->diff)
		fprintf(out, "%12s%*s %6s %6s %12s %6s%s  function\n", "itself",
			-error, "", "%", "sum %", "with callees", "%",
			brief ? "     calls  mean age" : "");
	shown = rows_shown(count, options);
	for (size_t i = 0; i < shown; i++) {
		const struct row *row = r.rows[i];

		running += row->flat;
		fprintf(out, "%12s%*s %6.1f %6.1f %12s %6.1f",
			value_human(value, row->flat, options->diff), -error,
			value_error(value, row->variance),
			percent(row->flat, whole), percent(running, whole),
			value_human(value, row->cumulative, options->diff),
			percent(row->cumulative, whole));
		if (brief)
			put_brief(out, row);
		fprintf(out, "  %.*s\n", (int)row->length, row->name);
	}
	put_more(out, count - shown);
	tdestroy(r.names, free);
	free(r.rows);
}

static void put_neighbours(FILE *out, const struct neighbours *n,
			   enum value value,
			   const struct format_options *options, bool callers)
{
	const char *nobody =
		callers ? "(none: the outermost)" : "(none: allocates itself)";
	int error = n->sum[value % 2].variance ? ERROR_COLUMN : 0;
	bool bytes = value % 2 == 0;
	size_t shown = rows_shown(n->count, options);

	fprintf(out, "%12s%*s %6s%s  %s\n", bytes ? "bytes" : "objects", -error,
		"", "%", bytes ? "    objects" : "",
		callers ? "caller" : "callee");
	for (size_t i = 0; i < shown; i++) {
		const struct neighbour *row = &n->all[i];
		const struct estimate *e = &row->value[value % 2];

		fprintf(out, "%12s%*s %6.1f",
			value_human(value, e->n, options->diff), -error,
			value_error(value, e->variance),
			percent(e->n, n->sum[value % 2].n));
		if (bytes)
			fprintf(out, " %10s",
				value_human(value + 1, row->value[1].n,
					    options->diff));
		fprintf(out, "  %.*s\n", row->name ? (int)row->length : -1,
			row->name ? row->name : nobody);
	}
	put_more(out, n->count - shown);
}

bool format_neighbours(FILE *out, const struct tally *tally, enum value value,
		       const struct format_options *options,
		       const char *function, bool callers)
{
	struct neighbours n;
	bool found = neighbours_find(&n, tally, value, function, callers);

	if (found) {
		fprintf(out, "%s and what it calls: ", function);
		put_sum(out, &n.sum[value % 2], value, options);
		put_neighbours(out, &n, value, options, callers);
	}
	neighbours_free(&n);
	return found;
}

void format_collapsed(FILE *out, const struct tally *tally, enum value value,
		      bool diff)
{
	for (size_t i = 0; i < tally->count; i++) {
		double before = tally->ways[i].before[value];
		double n = tally->ways[i].value[value].n;

		if (diff && (before >= 0.5 || before + n >= 0.5))
			fprintf(out, "%s %.0f %.0f\n", tally->ways[i].key,
				before, fabs(before + n));
		if (!diff && fabs(n) >= 0.5)
			fprintf(out, "%s %.0f\n", tally->ways[i].key, n);
	}
}
