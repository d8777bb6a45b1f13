/* SPDX-License-Identifier: MIT */
/*
 * heaptrack.c - a profile as heaptrack's data, version 3.
 *
 * Lines of hex numbers: "s" is a string; "i" an instruction with module,
 * function, file and line; "t" an instruction and its caller's "t"; "a" a size
 * and a "t"; "+" and "-" one allocation of an "a".  All are numbered from 1 in
 * the order in which they come, "a" from 0.
 *
 * A line for each allocation may be gigabytes for a profile of a few thousand
 * bytes.  Beyond a few times the profile's size a line stands for several
 * allocations, and for all their bytes: bytes are right, calls are fewer.
 */
#include <math.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "formats.h"

enum { LINES_LEAST = 2000, LINE_BYTES = 6 };

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

/*
 * A profile has counts, no order.  So all that lived neither at the peak nor at
 * the end comes and goes at once, then the rest of the peak comes, what does
 * not live goes, and the rest of what lives comes: the peak is the profile's.
 */
enum step { AT_ONCE, PEAK_COMES, PEAK_GOES, REST_COMES, STEPS };

/* Allocations of one "a". */
struct lot {
	double count, lines;
	enum step comes, goes; /* STEPS: never */
};

enum { LOTS = 4 }; /* of a site */

static void lots_of(const struct site *s, struct lot lots[LOTS])
{
	double total = round(site_count(s, VIEW_TOTAL));
	double live = round(site_count(s, VIEW_LIVE));
	double peak = round(site_count(s, VIEW_PEAK));

	lots[0] = (struct lot){ total - fmax(live, peak), 0, AT_ONCE, AT_ONCE };
	lots[1] = (struct lot){ fmin(live, peak), 0, PEAK_COMES, STEPS };
	lots[2] =
		(struct lot){ fmax(peak - live, 0), 0, PEAK_COMES, PEAK_GOES };
	lots[3] = (struct lot){ fmax(live - peak, 0), 0, REST_COMES, STEPS };
}

/* About the size of the profile's file. */
static double lines_allowed(const struct profile *p)
{
	double bytes = 0;

	for (size_t i = 0; i < p->stack_count; i++)
		bytes += 15 + 15. * p->stacks[i].depth;
	bytes += 25. * (double)p->site_count;
	return fmax(bytes / LINE_BYTES, LINES_LEAST);
}

/* How many allocations a line stands for. */
static double line_of(const struct profile *p)
{
	struct lot lots[LOTS];
	double lines = 0;

	for (size_t i = 0; i < p->site_count; i++) {
		lots_of(&p->sites[i], lots);
		for (int l = 0; l < LOTS; l++)
			lines += lots[l].count;
	}
	return fmax(lines / lines_allowed(p), 1);
}

/* One line must not be more than ever lived: else it would be a peak. */
static void set_lines(struct lot *lot, const struct site *s, double line,
		      double highest, double most)
{
	double bytes = lot->count * (double)s->size;

	lot->lines = lot->count ? fmax(round(lot->count / line), 1) : 0;
	if (lot->comes == AT_ONCE && highest > 0)
		lot->lines =
			fmax(lot->lines, fmin(ceil(bytes / highest), most));
	lot->lines = fmin(lot->lines, lot->count);
}

static double size_of(const struct lot *lot, const struct site *s,
		      double highest)
{
	double size =
		lot->lines ? (double)s->size * lot->count / lot->lines : 0;

	if (lot->comes == AT_ONCE && highest > 0)
		size = fmin(size, highest);
	return fmin(round(size), 1e18);
}

static void put_lot(struct writer *w, const struct lot *lot, enum step step,
		    size_t number)
{
	uint64_t lines = (uint64_t)ceil(lot->lines);

	for (uint64_t i = 0; i < lines; i++) {
		if (lot->comes == step)
			fprintf(w->out, "+ %zx\n", number);
		if (lot->goes == step)
			fprintf(w->out, "- %zx\n", number);
	}
}

static void put_sites(struct writer *w)
{
	const struct profile *p = w->profile;
	size_t count = p->site_count * LOTS;
	struct lot *lots = cli_alloc((count + 1) * sizeof *lots);
	double line = line_of(p);
	double most = lines_allowed(p) / (double)(p->site_count + 1) + 1;
	double highest =
		fmax(profile_bytes(p, VIEW_PEAK), profile_bytes(p, VIEW_LIVE));

	for (size_t i = 0; i < count; i++) {
		const struct site *s = &p->sites[i / LOTS];
		unsigned node = put_stack(w, &p->stacks[s->stack]);

		if (i % LOTS == 0)
			lots_of(s, &lots[i]);
		set_lines(&lots[i], s, line, highest, most);
		fprintf(w->out, "a %llx %x\n",
			(unsigned long long)size_of(&lots[i], s, highest),
			node);
	}
	for (enum step step = 0; step < STEPS; step++)
		for (size_t i = 0; i < count; i++)
			put_lot(w, &lots[i], step, i);
	free(lots);
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

	fprintf(out, "v 10400 3\nX %s\nI 1000 %llx\n", cli_shown(p->program),
		pages + 1);
	put_sites(&w);
	fprintf(out, "c %llx\nR %llx\n", (unsigned long long)p->age_ms, pages);
	tdestroy(w.strings, free_numbered);
	tdestroy(w.instructions, free_numbered);
	tdestroy(w.nodes, free_numbered);
}
