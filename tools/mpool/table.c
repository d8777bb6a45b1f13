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

enum { ERROR_COLUMN = 13 };

/* flat: allocated by the function itself; cumulative: and by what it calls. */
struct row {
	const char *name; /* not ended by zero: `length` bytes */
	size_t length;
	double flat, variance, cumulative; /* variance: of flat */
	double calls, ages;		   /* of what was short-lived */
	double objects;			   /* beside bytes that are flat */
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

/* The place in a name where templates' and functions' arguments are closed. */
static bool is_outside(const char *name, const char *at)
{
	int depth = 0;

	for (const char *s = name; s < at; s++)
		if (*s == '<' || *s == '(')
			depth++;
		else if (depth && (*s == ')' || (*s == '>' && s[-1] != '-')))
			depth--;
	return !depth;
}

/* Whole, or without its arguments, scope and the type that it returns. */
static bool is_called(const char *name, size_t length, const char *wanted)
{
	size_t most = strlen(wanted);

	for (const char *at = name; most && at + most <= name + length; at++) {
		const char *end = at + most;

		if (!memcmp(at, wanted, most) &&
		    (at == name || strchr(": *&", at[-1])) &&
		    (end == name + length || strchr("(<", *end)) &&
		    is_outside(name, at))
			return true;
	}
	return false;
}

struct neighbour {
	const char *name;
	size_t length;
};

static struct neighbour nobody(const char *why)
{
	return (struct neighbour){ why, strlen(why) };
}

static void add_neighbour(struct rows *r, const struct neighbour *n,
			  const struct way *way, enum value value)
{
	struct row *row = row_of(r, n->name, n->length);

	if (row->last == way)
		return;
	row->last = way;
	row->flat += way->value[value].n;
	row->variance += way->value[value].variance;
	row->objects += way->value[value | 1].n;
}

/*
 * Who calls `function`, or whom it calls, on this way; of each once.  False:
 * it is not on it.
 */
static bool add_neighbours(struct rows *r, const struct way *way,
			   enum value value, const char *function, bool callers)
{
	struct neighbour caller = nobody("(none: the outermost)");
	const struct neighbour itself = nobody("(none: allocates itself)");
	bool found = false;

	for (const char *at = way->key, *rest; at; at = rest) {
		struct neighbour here = { at, tally_first(at, &rest) };
		struct neighbour callee = itself;
		const char *behind;

		if (rest)
			callee = (struct neighbour){
				rest, tally_first(rest, &behind)
			};
		if (is_called(at, here.length, function)) {
			add_neighbour(r, callers ? &caller : &callee, way,
				      value);
			found = true;
		}
		caller = here;
	}
	return found;
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

static void put_empty(FILE *out, const struct tally *tally)
{
	if (!tally->sum[TOTAL_COUNT].samples && tally->lost)
		fputs("None of what was sampled is in the file.\n", out);
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
		put_empty(out, tally);
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

static void put_neighbours(FILE *out, const struct rows *r, size_t count,
			   const struct estimate *sum, enum value value,
			   const struct format_options *options, bool callers)
{
	int error = sum->variance ? ERROR_COLUMN : 0;
	bool bytes = value % 2 == 0;
	size_t shown = rows_shown(count, options);

	fprintf(out, "%12s%*s %6s%s  %s\n", bytes ? "bytes" : "objects", -error,
		"", "%", bytes ? "    objects" : "",
		callers ? "caller" : "callee");
	for (size_t i = 0; i < shown; i++) {
		const struct row *row = r->rows[i];

		fprintf(out, "%12s%*s %6.1f",
			value_human(value, row->flat, options->diff), -error,
			value_error(value, row->variance),
			percent(row->flat, sum->n));
		if (bytes)
			fprintf(out, " %10s",
				value_human(value + 1, row->objects,
					    options->diff));
		fprintf(out, "  %.*s\n", (int)row->length, row->name);
	}
	put_more(out, count - shown);
}

bool format_neighbours(FILE *out, const struct tally *tally, enum value value,
		       const struct format_options *options,
		       const char *function, bool callers)
{
	struct rows r = { 0 };
	struct estimate sum = { 0 };

	for (size_t i = 0; i < tally->count; i++)
		if (add_neighbours(&r, &tally->ways[i], value, function,
				   callers)) {
			const struct estimate *e = &tally->ways[i].value[value];

			sum.n += e->n;
			sum.variance += e->variance;
			sum.samples += e->samples;
		}
	if (r.count) {
		fprintf(out, "%s and what it calls: ", function);
		put_sum(out, &sum, value, options);
		put_neighbours(out, &r, sort_rows(&r), &sum, value, options,
			       callers);
	}
	tdestroy(r.names, free);
	free(r.rows);
	return r.count;
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
