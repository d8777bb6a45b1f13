/* SPDX-License-Identifier: MIT */
/*
 * web_json.c - the stacks of profiles, as the script of a page reads them.
 */
#include "web_json.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"

void web_json_string(FILE *out, const char *text)
{
	putc('"', out);
	for (const char *s = text; *s; s++) {
		unsigned char c = (unsigned char)*s, next = (unsigned char)s[1];

		if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
			fprintf(out, "\\u%04x", next); /* a control, too */
			s++;
		} else if (c < ' ' || c == 0x7f || strchr("\"\\<>&", c)) {
			fprintf(out, "\\u%04x", c);
		} else {
			putc(c, out);
		}
	}
	putc('"', out);
}

/* What each function's number becomes in the order of names. */
struct order {
	const struct web_stacks *s;
	uint32_t *functions; /* sorted */
	uint32_t *rank;	     /* by the number before */
};

static int by_name(const void *a, const void *b, void *arg)
{
	char *const *names = arg;

	return strcmp(names[*(const uint32_t *)a], names[*(const uint32_t *)b]);
}

/* By functions; only where these are alike, by lines. */
static int by_way(const void *a, const void *b, void *arg)
{
	const struct web_stack *x = *(struct web_stack *const *)a;
	const struct web_stack *y = *(struct web_stack *const *)b;
	const struct order *order = arg;
	uint32_t least = x->depth < y->depth ? x->depth : y->depth;

	for (uint32_t i = 0; i < least; i++) {
		uint32_t p = order->s->frames[x->frames[i]].function;
		uint32_t q = order->s->frames[y->frames[i]].function;

		if (p != q)
			return order->rank[p] < order->rank[q] ? -1 : 1;
	}
	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	return memcmp(x->frames, y->frames, least * sizeof *x->frames);
}

static void put_texts(FILE *out, const char *name, const struct web_texts *t,
		      const uint32_t *order)
{
	fprintf(out, "\"%s\":[", name);
	for (uint32_t i = 0; i < t->count; i++) {
		if (i)
			fputs(",\n", out);
		web_json_string(out, t->all[order ? order[i] : i]);
	}
	fputs("],\n", out);
}

static void put_frames(FILE *out, const struct order *order)
{
	fputs("\"frames\":\"", out);
	for (uint32_t i = 0; i < order->s->frame_count; i++) {
		const struct web_frame *f = &order->s->frames[i];

		fprintf(out, "%s%u,", i ? ";" : "", order->rank[f->function]);
		if (f->file != WEB_NO_FILE)
			fprintf(out, "%u,%u", f->file, f->line);
	}
	fputs("\",\n", out);
}

static void put_site(FILE *out, const struct web_site *site)
{
	uint64_t values[VIEWS + 1];
	int count = VIEWS + 1;

	memcpy(values, site->samples, sizeof site->samples);
	values[VIEWS] = site->brief_ms;
	while (count && !values[count - 1])
		count--;
	fprintf(out, "%llu,%u", (unsigned long long)site->size, site->weight);
	for (int i = 0; i < count; i++)
		fprintf(out, ",%llu", (unsigned long long)values[i]);
}

static void put_stack(FILE *out, const struct web_stack *stack,
		      const struct web_stack *before)
{
	uint32_t kept = 0;

	while (before && kept < before->depth && kept < stack->depth &&
	       before->frames[kept] == stack->frames[kept])
		kept++;
	fprintf(out, "%u", kept);
	for (uint32_t i = kept; i < stack->depth; i++)
		fprintf(out, ",%u", stack->frames[i]);
	putc(':', out);
	for (const struct web_site *s = stack->sites; s; s = s->next) {
		put_site(out, s);
		if (s->next)
			putc('|', out);
	}
}

static void put_leaks(FILE *out, const struct web_stack *const *sorted,
		      size_t count)
{
	const char *between = "";

	fputs("\"leaks\":\"", out);
	for (size_t i = 0; i < count; i++)
		for (const struct web_leak *l = sorted[i]->leaks; l;
		     l = l->next) {
			fprintf(out, "%s%zu,%d,%.9g,%.9g,%.3g,%llu", between, i,
				l->state, l->count, l->bytes, l->variance,
				(unsigned long long)l->oldest_ms);
			between = ";";
		}
	fputs("\",\n", out);
}

static void put_stacks(FILE *out, struct order *order)
{
	const struct web_stacks *s = order->s;
	const struct web_stack **sorted =
		cli_alloc((s->stack_count + 1) * sizeof *sorted);

	for (size_t i = 0; i < s->stack_count; i++)
		sorted[i] = &s->stacks[i];
	qsort_r(sorted, s->stack_count, sizeof *sorted, by_way, order);
	fputs("\"stacks\":\"", out);
	for (size_t i = 0; i < s->stack_count; i++) {
		if (i)
			putc(';', out);
		put_stack(out, sorted[i], i ? sorted[i - 1] : NULL);
	}
	fputs("\",\n", out);
	put_leaks(out, sorted, s->stack_count);
	free(sorted);
}

void web_json_stacks(FILE *out, const struct web_stacks *s)
{
	uint32_t count = s->functions.count;
	struct order order = { s, cli_alloc((count + 1) * sizeof(uint32_t)),
			       cli_alloc((count + 1) * sizeof(uint32_t)) };

	for (uint32_t i = 0; i < count; i++)
		order.functions[i] = i;
	qsort_r(order.functions, count, sizeof *order.functions, by_name,
		s->functions.all);
	for (uint32_t i = 0; i < count; i++)
		order.rank[order.functions[i]] = i;
	put_texts(out, "functions", &s->functions, order.functions);
	put_texts(out, "files", &s->files, NULL);
	fputs("\"weights\":[", out);
	for (uint32_t i = 0; i < s->weights.count; i++)
		fprintf(out, "%s%s", i ? "," : "", s->weights.all[i]);
	fputs("],\n", out);
	put_frames(out, &order);
	put_stacks(out, &order);
	free(order.functions);
	free(order.rank);
}
