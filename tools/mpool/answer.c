/* SPDX-License-Identifier: MIT */
/*
 * answer.c - where the memory of a program went at its peak, in a few lines.
 *
 * The three stacks that held most, each cut in its middle: the innermost frames
 * say what was allocated, the outermost for whom.
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "leaks.h"
#include "run.h"

enum { STACKS_SHOWN = 3, INNER_FRAMES = 10, OUTER_FRAMES = 3 };

/* What all stacks that read the same held. */
struct share {
	uint32_t stack;
	double bytes, variance, count, samples;
};

static int by_bytes(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : 0;
}

static void add_site(struct share *share, const struct site *s)
{
	double each = s->weight * (double)s->size;
	double samples = (double)s->samples[VIEW_PEAK];

	share->bytes += samples * each;
	share->variance += samples * each * each * (1 - 1 / s->weight);
	share->count += samples * s->weight;
	share->samples += samples;
}

/* Of each stack, the heaviest first; *all is their sum. */
static struct share *shares_of(const struct profile *p, struct symbols *symbols,
			       struct share *all)
{
	struct share *shares = cli_alloc((p->stack_count + 1) * sizeof *shares);
	uint32_t *first = cli_alloc((p->stack_count + 1) * sizeof *first);

	memset(first, 0xff, p->stack_count * sizeof *first);
	for (size_t i = 0; i < p->site_count; i++)
		if (p->sites[i].samples[VIEW_PEAK])
			first[p->sites[i].stack] = 0;
	stacks_alike(p, symbols, first);
	for (uint32_t i = 0; i < p->stack_count; i++)
		shares[i] = (struct share){ .stack = i };
	*all = (struct share){ 0 };
	for (size_t i = 0; i < p->site_count; i++) {
		const struct site *s = &p->sites[i];

		if (!s->samples[VIEW_PEAK])
			continue;
		add_site(&shares[first[s->stack]], s);
		add_site(all, s);
	}
	qsort(shares, p->stack_count, sizeof *shares, by_bytes);
	free(first);
	return shares;
}

#define RUST_MAIN    "__rust_begin_short_backtrace"
#define GLIBC_INSIDE "__GI_" /* before what it calls a function of its own */

/* What begins a program or a thread is the same in all of them. */
static bool is_start(const char *function)
{
	static const char *const names[] = {
		"_start", "__libc_start_call_main", "__libc_start_main",
		"clone",  "__libc_start_main_impl", "__clone",
		"clone3", "start_thread",	    "__clone3",
	};

	if (!strncmp(function, GLIBC_INSIDE, strlen(GLIBC_INSIDE)))
		function += strlen(GLIBC_INSIDE);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(function, names[i]))
			return true;
	return false;
}

/* How much of the stack is the program's: Rust marks where its main begins. */
static uint32_t own_depth(const struct stack *stack, struct symbols *symbols)
{
	uint32_t depth = stack->depth;

	for (uint32_t i = stack->depth; i-- > 0;) {
		const struct symbol *s =
			symbols_find(symbols, stack->frames[i]);

		for (; s->caller; s = s->caller)
			if (strstr(s->function, RUST_MAIN))
				return i + 1;
		if (strstr(s->function, RUST_MAIN))
			return i + 1;
		if (i && i + 1 == depth && is_start(s->function))
			depth = i;
		if (depth == stack->depth && !strcmp(s->function, "main"))
			depth = i + 1;
	}
	return depth;
}

static void put_stack(FILE *out, const struct stack *whole,
		      struct symbols *symbols)
{
	uint32_t depth = own_depth(whole, symbols);
	struct stack part = { depth, whole->frames };

	if (depth <= INNER_FRAMES + OUTER_FRAMES + 1) {
		leak_stack_put(out, &part, symbols);
		return;
	}
	part.depth = INNER_FRAMES;
	leak_stack_put(out, &part, symbols);
	fprintf(out, "     ... %u more ...\n",
		depth - INNER_FRAMES - OUTER_FRAMES);
	part = (struct stack){ OUTER_FRAMES,
			       whole->frames + depth - OUTER_FRAMES };
	leak_stack_put(out, &part, symbols);
}

static const char *plural(double n)
{
	return n > 1.5 ? "s" : "";
}

static void put_share(FILE *out, const struct profile *p,
		      struct symbols *symbols, const struct share *s,
		      const struct share *all, unsigned number)
{
	fprintf(out, "%u. %.1f %%: %s%s in %s object%s", number,
		100 * s->bytes / all->bytes,
		value_human(PEAK_BYTES, s->bytes, false),
		value_error(PEAK_BYTES, s->variance),
		value_human(PEAK_COUNT, s->count, false), plural(s->count));
	if (all->variance)
		fprintf(out, ", from %s sample%s",
			cli_count((uint64_t)s->samples), plural(s->samples));
	fputc('\n', out);
	put_stack(out, &p->stacks[s->stack], symbols);
	fputc('\n', out);
}

void run_peak(FILE *out, const struct profile *p, const char *path)
{
	double bytes = profile_bytes(p, VIEW_PEAK);

	if (bytes > 0)
		fprintf(out,
			"At most %s lived, %.2f s after the start: "
			"mpool prof --peak %s\n",
			value_human(PEAK_BYTES, bytes, false),
			(double)p->peak_ms / 1000, cli_quoted(path));
}

bool run_answer(FILE *out, const struct profile *p)
{
	struct symbols *symbols = symbols_open(p);
	struct share all, *shares = shares_of(p, symbols, &all);
	bool any = p->site_count || p->lost;

	if (all.bytes > 0)
		fprintf(out,
			"\n%s (%llu) held most %.2f s after its start: %s%s, "
			"these stacks most of all:\n\n",
			cli_shown(p->program), (unsigned long long)p->pid,
			(double)p->peak_ms / 1000,
			value_human(PEAK_BYTES, all.bytes, false),
			value_error(PEAK_BYTES, all.variance));
	for (unsigned i = 0; i < STACKS_SHOWN && i < p->stack_count; i++)
		if (shares[i].bytes > 0)
			put_share(out, p, symbols, &shares[i], &all, i + 1);
	free(shares);
	symbols_close(symbols);
	return any;
}
