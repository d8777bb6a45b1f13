/* SPDX-License-Identifier: MIT */
/*
 * prof_json.c - a profile as JSON: a row for each stack, the heaviest first.
 *
 * Or a row for each caller of a function, or for whom it calls.  Schemas
 * mpool-prof/1 and mpool-neighbours/1: names are added, never changed.
 */
#include <math.h>
#include <stdlib.h>

#include "cli.h"
#include "formats.h"
#include "neighbours.h"
#include "web_json.h"

struct row {
	const struct stack *stack;
	struct estimate bytes, objects;
	double key; /* of the order */
};

static int by_key(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? 1 : -1;
	return x->stack < y->stack ? -1 : x->stack > y->stack;
}

static struct row *rows_of(const struct profile *p, enum value value,
			   struct row *sum)
{
	enum heap_view view = value_view(value);
	struct row *rows = cli_alloc((p->stack_count + 1) * sizeof *rows);

	for (size_t i = 0; i < p->stack_count; i++)
		rows[i] = (struct row){ .stack = &p->stacks[i] };
	for (size_t i = 0; i < p->site_count; i++) {
		const struct site *s = &p->sites[i];
		struct row *row = &rows[s->stack];
		struct estimate bytes = tally_estimate(s, 2 * view);
		struct estimate objects = tally_estimate(s, 2 * view + 1);

		estimate_add(&row->bytes, &bytes, 1);
		estimate_add(&row->objects, &objects, 1);
		estimate_add(&sum->bytes, &bytes, 1);
		estimate_add(&sum->objects, &objects, 1);
		row->key = value % 2 ? row->objects.n : row->bytes.n;
	}
	qsort(rows, p->stack_count, sizeof *rows, by_key);
	return rows;
}

static void put_values(FILE *out, const struct estimate *bytes,
		       const struct estimate *objects)
{
	fprintf(out,
		"\"bytes\":%.0f,\"objects\":%.0f,\"error\":%.0f,"
		"\"samples\":%.0f",
		bytes->n, objects->n, 2 * sqrt(bytes->variance),
		bytes->samples);
}

static void put_symbol(FILE *out, const struct symbol *s)
{
	fputs("\"function\":", out);
	web_json_string(out, s->function);
	fputs(",\"file\":", out);
	if (s->file && *s->file)
		web_json_string(out, s->file);
	else
		fputs("null", out);
	fprintf(out, ",\"line\":%u", s->line);
}

void format_json_row(FILE *out, const struct stack *stack,
		     struct symbols *symbols)
{
	const char *comma = "";

	if (stack->depth) {
		put_symbol(out, symbols_find(symbols, stack->frames[0]));
		putc(',', out);
	}
	fputs("\"stack\":[", out);
	for (uint32_t i = 0; i < stack->depth; i++) {
		const struct symbol *s =
			symbols_find(symbols, stack->frames[i]);

		for (; s; s = s->caller) {
			fprintf(out, "%s{", comma);
			put_symbol(out, s);
			putc('}', out);
			comma = ",";
		}
	}
	putc(']', out);
}

static const char *view_name(enum value value)
{
	static const char *const views[VIEWS] = { "live", "peak", "total",
						  "short-lived" };

	return views[value_view(value)];
}

static void put_head(FILE *out, const char *schema, const struct profile *p,
		     enum value value)
{
	fprintf(out, "{\"schema\":\"%s\",\"program\":", schema);
	web_json_string(out, p->program);
	fprintf(out, ",\"pid\":%llu,\"period\":%llu,\"view\":\"%s\",",
		(unsigned long long)p->pid, (unsigned long long)p->period,
		view_name(value));
}

void format_json(FILE *out, const struct profile *profile,
		 struct symbols *symbols, enum value value)
{
	struct row sum = { 0 };
	struct row *rows = rows_of(profile, value, &sum);
	const char *comma = "";

	put_head(out, "mpool-prof/1", profile, value);
	put_values(out, &sum.bytes, &sum.objects);
	fputs(",\"rows\":[", out);
	for (size_t i = 0; i < profile->stack_count && rows[i].key > 0; i++) {
		fprintf(out, "%s\n{", comma);
		put_values(out, &rows[i].bytes, &rows[i].objects);
		putc(',', out);
		format_json_row(out, rows[i].stack, symbols);
		putc('}', out);
		comma = ",";
	}
	fputs("\n]}\n", out);
	free(rows);
}

static void put_neighbours(FILE *out, const char *key, const char *function,
			   const struct neighbours *n)
{
	fprintf(out, "\"%s\":{\"function\":", key);
	web_json_string(out, function);
	putc(',', out);
	put_values(out, &n->sum[0], &n->sum[1]);
	fputs(",\"rows\":[", out);
	for (size_t i = 0; i < n->count; i++) {
		const struct neighbour *row = &n->all[i];
		char *name = cli_format("%.*s", (int)row->length,
					row->name ? row->name : "");

		fputs(i ? ",\n{\"function\":" : "\n{\"function\":", out);
		if (row->name)
			web_json_string(out, name);
		else
			fputs("null", out);
		putc(',', out);
		put_values(out, &row->value[0], &row->value[1]);
		putc('}', out);
		free(name);
	}
	fputs("\n]}", out);
}

const char *format_json_neighbours(FILE *out, const struct profile *profile,
				   const struct tally *tally, enum value value,
				   const char *callers, const char *callees)
{
	const char *const of[] = { callers, callees };
	struct neighbours n[2] = { 0 };

	for (unsigned i = 0; i < 2; i++)
		if (of[i] && !neighbours_find(&n[i], tally, value, of[i], !i))
			return of[i];
	put_head(out, "mpool-neighbours/1", profile, value);
	if (callers)
		put_neighbours(out, "callers", callers, &n[0]);
	if (callers && callees)
		fputs(",\n", out);
	if (callees)
		put_neighbours(out, "callees", callees, &n[1]);
	fputs("}\n", out);
	neighbours_free(&n[0]);
	neighbours_free(&n[1]);
	return NULL;
}
