/* SPDX-License-Identifier: MIT */
/*
 * heaptrack.c - a profile as heaptrack's data, version 3.
 *
 * Lines of hex numbers: "s" is a string; "i" an instruction with module,
 * function, file and line; "t" an instruction and its caller's "t"; "a" a size
 * and a "t"; "+" and "-" one allocation of an "a".  All are numbered from 1 in
 * the order in which they come, "a" from 0.
 */
#include <math.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/common.h"
#include "cli.h"
#include "formats.h"

enum { MOST = 500000000 }; /* lines: 5 GB */

/* What was numbered: strings, instructions and trace nodes. */
struct numbered {
	const char *string; /* or: */
	uint64_t a, b;
	unsigned number;
};

struct writer {
	FILE *out;
	const struct profile *profile;
	struct symbols *symbols;
	void *strings, *instructions, *nodes; /* trees of struct numbered */
	unsigned string_count, instruction_count, node_count;
};

static int compare(const void *x, const void *y)
{
	const struct numbered *p = x, *q = y;

	if (p->string)
		return strcmp(p->string, q->string);
	if (p->a != q->a)
		return p->a < q->a ? -1 : 1;
	return p->b < q->b ? -1 : p->b > q->b;
}

/* Its number; *fresh when it has just got one. */
static unsigned number_of(void **tree, unsigned *count,
			  const struct numbered *key, bool *fresh)
{
	void *found = tfind(key, tree, compare);
	struct numbered *n;

	*fresh = !found;
	if (found)
		return (*(struct numbered **)found)->number;
	n = cli_alloc(sizeof *n);
	*n = *key;
	n->number = ++*count;
	if (!tsearch(n, tree, compare))
		cli_die("out of memory");
	return n->number;
}

static unsigned put_string(struct writer *w, const char *s)
{
	struct numbered key = { .string = s };
	bool fresh;
	unsigned n;

	if (!s)
		return 0;
	n = number_of(&w->strings, &w->string_count, &key, &fresh);
	if (fresh)
		fprintf(w->out, "s %zx %s\n", strlen(s), s);
	return n;
}

static unsigned put_instruction(struct writer *w, uint64_t address)
{
	const struct mapping *m = profile_mapping(w->profile, address - 1);
	const struct symbol *s = symbols_find(w->symbols, address);
	struct numbered key = { .a = address };
	unsigned module = put_string(w, m ? m->file : NULL);
	bool fresh;
	unsigned n = number_of(&w->instructions, &w->instruction_count, &key,
			       &fresh);

	if (!fresh)
		return n;
	for (const struct symbol *each = s; each; each = each->caller) {
		put_string(w, each->function);
		put_string(w, each->file);
	}
	fprintf(w->out, "i %llx %x", (unsigned long long)address, module);
	for (; s; s = s->caller) {
		fprintf(w->out, " %x", put_string(w, s->function));
		/* Who comes after one without a file would be taken for it. */
		if (s->file || s->caller)
			fprintf(w->out, " %x %x", put_string(w, s->file),
				s->line);
	}
	fputc('\n', w->out);
	return n;
}

static unsigned put_stack(struct writer *w, const struct stack *stack)
{
	unsigned node = 0;

	for (uint32_t f = stack->depth; f-- > 0;) {
		unsigned i = put_instruction(w, stack->frames[f]);
		struct numbered key = { .a = i, .b = node };
		unsigned parent = node;
		bool fresh;

		node = number_of(&w->nodes, &w->node_count, &key, &fresh);
		if (fresh)
			fprintf(w->out, "t %x %x\n", i, parent);
	}
	return node;
}

static void put_times(struct writer *w, uint64_t times, const char *what,
		      size_t site)
{
	while (times--)
		fprintf(w->out, what, site, site);
}

/*
 * A profile has counts, no order.  So all that lived neither at the peak nor at
 * the end comes and goes at once, then the rest of the peak comes, what does
 * not live goes, and the rest of what lives comes: the peak is the profile's.
 */
static void put_sites(struct writer *w)
{
	const struct profile *p = w->profile;

	for (size_t i = 0; i < p->site_count; i++) {
		const struct site *s = &p->sites[i];
		unsigned node = put_stack(w, &p->stacks[s->stack]);

		fprintf(w->out, "a %llx %x\n", (unsigned long long)s->size,
			node);
	}
	for (int step = 0; step < 4; step++) {
		for (size_t i = 0; i < p->site_count; i++) {
			const struct site *s = &p->sites[i];
			uint64_t n[VIEWS], most;

			for (int v = 0; v < VIEWS; v++)
				n[v] = (uint64_t)llround(site_count(s, v));
			most = max_of(n[VIEW_LIVE], n[VIEW_PEAK]);
			if (step == 0)
				put_times(w, n[VIEW_TOTAL] - most,
					  "+ %zx\n- %zx\n", i);
			if (step == 1)
				put_times(w, n[VIEW_PEAK], "+ %zx\n", i);
			if (step == 2)
				put_times(w, most - n[VIEW_LIVE], "- %zx\n", i);
			if (step == 3)
				put_times(w, most - n[VIEW_PEAK], "+ %zx\n", i);
		}
	}
}

static void free_numbered(void *n)
{
	free(n);
}

void format_heaptrack(FILE *out, const struct profile *p,
		      struct symbols *symbols)
{
	struct writer w = { .out = out, .profile = p, .symbols = symbols };
	unsigned long long pages = p->peak_rss / 4096;
	double lines = 0;

	for (size_t i = 0; i < p->site_count; i++)
		lines += site_count(&p->sites[i], VIEW_TOTAL);
	if (lines > MOST)
		cli_die("heaptrack's data has a line for each allocation, and "
			"these are %.3g; sample a shorter run",
			lines);
	fprintf(out, "v 10400 3\nX %s\nI 1000 %llx\n", cli_shown(p->program),
		pages + 1);
	put_sites(&w);
	fprintf(out, "c %llx\nR %llx\n", (unsigned long long)p->age_ms, pages);
	tdestroy(w.strings, free_numbered);
	tdestroy(w.instructions, free_numbered);
	tdestroy(w.nodes, free_numbered);
}
