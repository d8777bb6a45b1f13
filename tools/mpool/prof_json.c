/* SPDX-License-Identifier: MIT */
/*
 * prof_json.c - a profile as JSON: a row for each stack, the heaviest first.
 *
 * Schema mpool-prof/1: names are added, never changed.
 */
#include <math.h>
#include <stdlib.h>

#include "cli.h"
#include "formats.h"
#include "web_json.h"

struct row {
	const struct stack *stack;
	struct estimate bytes, objects;
	double key; /* of the order */
};

static void add(struct estimate *to, struct estimate e)
{
	to->n += e.n;
	to->variance += e.variance;
	to->samples += e.samples;
}

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

		add(&row->bytes, bytes);
		add(&row->objects, objects);
		add(&sum->bytes, bytes);
		add(&sum->objects, objects);
		row->key = value % 2 ? row->objects.n : row->bytes.n;
	}
	qsort(rows, p->stack_count, sizeof *rows, by_key);
	return rows;
}

static void put_values(FILE *out, const struct row *row)
{
	fprintf(out,
		"\"bytes\":%.0f,\"objects\":%.0f,\"error\":%.0f,"
		"\"samples\":%.0f",
		row->bytes.n, row->objects.n, 2 * sqrt(row->bytes.variance),
		row->bytes.samples);
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

void format_json(FILE *out, const struct profile *profile,
		 struct symbols *symbols, enum value value)
{
	static const char *const views[VIEWS] = { "live", "peak", "total",
						  "short-lived" };
	struct row sum = { 0 };
	struct row *rows = rows_of(profile, value, &sum);
	const char *comma = "";

	fputs("{\"schema\":\"mpool-prof/1\",\"program\":", out);
	web_json_string(out, profile->program);
	fprintf(out, ",\"pid\":%llu,\"period\":%llu,\"view\":\"%s\",",
		(unsigned long long)profile->pid,
		(unsigned long long)profile->period, views[value_view(value)]);
	put_values(out, &sum);
	fputs(",\"rows\":[", out);
	for (size_t i = 0; i < profile->stack_count && rows[i].key > 0; i++) {
		fprintf(out, "%s\n{", comma);
		put_values(out, &rows[i]);
		putc(',', out);
		format_json_row(out, rows[i].stack, symbols);
		putc('}', out);
		comma = ",";
	}
	fputs("\n]}\n", out);
	free(rows);
}
