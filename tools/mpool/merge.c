/* SPDX-License-Identifier: MIT */
/*
 * merge.c - several profiles as one.
 *
 * What lies at an address differs from process to process: in the sum each has
 * addresses of its own, and the names that they had go along.  Where programs
 * differ, each stack begins with the name of its own.
 */
#include "merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/common.h"
#include "cli.h"

enum { STEP = 16 }; /* between addresses */

static void *longer(void *array, size_t count, size_t more, size_t size)
{
	return cli_grow(array, (count + more + 1) * size);
}

static void add_name(struct profile *sum, uint64_t address,
		     const char *function, const char *file, uint64_t line)
{
	sum->names =
		longer(sum->names, sum->name_count, 0, sizeof(struct name));
	sum->names[sum->name_count++] =
		(struct name){ address, cli_format("%s", function),
			       cli_format("%s", file ? file : ""), line };
}

static uint64_t next_address(const struct profile *sum)
{
	return sum->name_count ? sum->names[sum->name_count - 1].address + STEP
			       : STEP;
}

/* Names all addresses of `p`; returns what the first of them is in the sum. */
static uint64_t add_names(struct profile *sum, struct symbols *symbols,
			  const uint64_t *addresses, size_t count)
{
	uint64_t first = next_address(sum);

	for (size_t i = 0; i < count; i++) {
		const struct symbol *s = symbols_find(symbols, addresses[i]);

		for (; s; s = s->caller)
			add_name(sum, first + i * STEP, s->function, s->file,
				 s->line);
	}
	return first;
}

static uint64_t translated(uint64_t address, const uint64_t *addresses,
			   size_t count, uint64_t first)
{
	size_t low = 0, high = count;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (addresses[middle] <= address)
			low = middle;
		else
			high = middle;
	}
	return first + low * STEP;
}

/* root: the address of the program's name; 0: it has none. */
static void add_stacks(struct profile *sum, const struct profile *p,
		       const uint64_t *addresses, size_t count, uint64_t first,
		       uint64_t root)
{
	sum->stacks = longer(sum->stacks, sum->stack_count, p->stack_count,
			     sizeof(struct stack));
	for (size_t i = 0; i < p->stack_count; i++) {
		const struct stack *from = &p->stacks[i];
		struct stack *to = &sum->stacks[sum->stack_count++];

		to->depth = from->depth + (root != 0);
		to->frames = cli_alloc((to->depth + 1) * sizeof *to->frames);
		for (uint32_t f = 0; f < from->depth; f++)
			to->frames[f] = translated(from->frames[f], addresses,
						   count, first);
		if (root)
			to->frames[from->depth] = root;
	}
}

static void add_sites(struct profile *sum, const struct profile *p,
		      size_t stacks)
{
	sum->sites = longer(sum->sites, sum->site_count, p->site_count,
			    sizeof(struct site));
	for (size_t i = 0; i < p->site_count; i++) {
		struct site *site = &sum->sites[sum->site_count++];

		*site = p->sites[i];
		site->stack += (uint32_t)stacks;
	}
}

static void add_header(struct profile *sum, const struct profile *p)
{
	uint64_t start = min_of(sum->start_ms, p->start_ms);
	uint64_t end =
		max_of(sum->start_ms + sum->age_ms, p->start_ms + p->age_ms);

	sum->start_ms = start;
	sum->age_ms = end - start;
	sum->period = max_of(sum->period, p->period);
	sum->rss += p->rss;
	sum->peak_rss += p->peak_rss;
	sum->lost += p->lost;
	sum->has_peak &= p->has_peak;
	sum->brief_ms = max_of(sum->brief_ms, p->brief_ms);
}

void merge_start(struct profile *sum, const struct profile *first)
{
	*sum = (struct profile){
		.program = cli_format("%s", first->program),
		.pid = first->pid,
		.start_ms = first->start_ms,
		.has_peak = true,
	};
}

void merge_add(struct profile *sum, const struct profile *p,
	       struct symbols *symbols, bool named)
{
	size_t count, stacks = sum->stack_count;
	uint64_t *addresses = profile_addresses(p, &count);
	uint64_t first = add_names(sum, symbols, addresses, count), root = 0;

	if (named) {
		root = next_address(sum);
		add_name(sum, root, p->program, NULL, 0);
	}
	add_stacks(sum, p, addresses, count, first, root);
	add_sites(sum, p, stacks);
	add_header(sum, p);
	free(addresses);
}
