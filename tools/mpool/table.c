/*
 * table.c - the functions that hold most, as a table for people.
 */
#include "formats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { ERROR_COLUMN = 13 };

/* flat: allocated by the function itself; cumulative: and by what it calls. */
struct row {
	const char *name; /* not ended by zero: `length` bytes */
	size_t length;
	double flat, variance, cumulative; /* variance: of flat */
	double calls, ages;		   /* of what was short-lived */
};

struct rows {
	struct row *rows;
	size_t count, room;
	size_t *slots; /* hash table: index + 1 */
	size_t slot_count;
};

static size_t hash_of(const char *name, size_t length)
{
	size_t hash = 14695981039346656037u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)name[i]) * 1099511628211u;
	return hash;
}

static size_t *slot_of(struct rows *r, const char *name, size_t length)
{
	size_t at = hash_of(name, length) & (r->slot_count - 1);

	for (; r->slots[at]; at = (at + 1) & (r->slot_count - 1)) {
		const struct row *row = &r->rows[r->slots[at] - 1];

		/* A slot is a row's.  NOLINTNEXTLINE(clang-analyzer-*) */
		if (row->length == length && !memcmp(row->name, name, length))
			break;
	}
	return &r->slots[at];
}

static void rehash(struct rows *r)
{
	free(r->slots);
	r->slot_count = r->slot_count ? 2 * r->slot_count : 1024;
	r->slots = cli_alloc(r->slot_count * sizeof *r->slots);
	memset(r->slots, 0, r->slot_count * sizeof *r->slots);
	for (size_t i = 0; i < r->count; i++)
		*slot_of(r, r->rows[i].name, r->rows[i].length) = i + 1;
}

static struct row *row_of(struct rows *r, const char *name, size_t length)
{
	size_t *slot;

	if (2 * r->count >= r->slot_count)
		rehash(r);
	slot = slot_of(r, name, length);
	if (!*slot) {
		if (r->count == r->room) {
			r->room = r->room ? 2 * r->room : 64;
			r->rows = cli_grow(r->rows, r->room * sizeof *r->rows);
		}
		r->rows[r->count++] =
			(struct row){ .name = name, .length = length };
		*slot = r->count;
	}
	return &r->rows[*slot - 1];
}

/* A function that calls itself counts once. */
static bool earlier(const char *key, const char *name, size_t length)
{
	for (const char *at = key, *rest; at < name; at = rest) {
		size_t other = tally_first(at, &rest);

		if (other == length && !memcmp(at, name, length))
			return true;
	}
	return false;
}

static void add_way(struct rows *r, const struct way *way, enum value value)
{
	double n = way->value[value].n;

	for (const char *at = way->key, *rest; at; at = rest) {
		size_t length = tally_first(at, &rest);

		if (!earlier(way->key, at, length))
			row_of(r, at, length)->cumulative += n;
		if (!rest) {
			struct row *row = row_of(r, at, length);

			row->flat += n;
			row->variance += way->value[value].variance;
			row->calls += way->value[BRIEF_COUNT].n;
			row->ages += way->brief_ms;
		}
	}
}

static int by_flat(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	double p = fabs(x->flat), q = fabs(y->flat);

	if (p == q) {
		p = fabs(x->cumulative);
		q = fabs(y->cumulative);
	}
	return p < q ? 1 : p > q ? -1 : 0;
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
	if (!tally->sum[TOTAL_COUNT].samples)
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
	size_t shown;
	int error;

	put_sum(out, sum, value, options);
	for (size_t i = 0; i < tally->count; i++)
		add_way(&r, &tally->ways[i], value);
	if (r.count)
		qsort(r.rows, r.count, sizeof *r.rows, by_flat);
	/* Without those whose memory is all freed, or as it was. */
	while (r.count && fabs(r.rows[r.count - 1].flat) < 0.5 &&
	       fabs(r.rows[r.count - 1].cumulative) < 0.5)
		r.count--;
	if (!r.count && !options->diff)
		put_empty(out, tally);
	error = sum->variance ? ERROR_COLUMN : 0;
	if (r.count || options->diff)
		fprintf(out, "%12s%*s %6s %6s %12s %6s%s  function\n", "itself",
			-error, "", "%", "sum %", "with callees", "%",
			brief ? "     calls  mean age" : "");
	shown = options->lines && options->lines < r.count ? options->lines
							   : r.count;
	for (size_t i = 0; i < shown; i++) {
		const struct row *row = &r.rows[i];

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
	if (shown < r.count)
		fprintf(out, "%12s and %zu more; --lines 0 shows all\n", "",
			r.count - shown);
	free(r.rows);
	free(r.slots);
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
