/* SPDX-License-Identifier: MIT */
/*
 * run_border.c - whether wider pools would have served more of a program.
 *
 * What went on to the next allocator is counted by size, so what any wider
 * border would have served is a sum.  Of the borders the smallest is named
 * that serves most of what the widest would: each class beyond costs memory.
 *
 * A request with an alignment counts by its size alone, so of programs that
 * align everything the figure is somewhat too good.
 */
#include "run.h"

#include "cli.h"
#include "page.h"

enum {
	WORTH_PERCENT = 10,    /* no word about fewer requests */
	MOST_PERCENT = 80,     /* of what the widest border would serve */
	REQUESTS_LEAST = 1000, /* a program with fewer is quick anyhow */
};

/* What was forwarded and is larger than `border`, up to `wider`. */
static uint64_t between(const struct snapshot *s, uint64_t border,
			uint64_t wider)
{
	uint64_t requests = 0;

	for (unsigned i = 0; i < FORWARDED_SIZES; i++)
		if (forwarded_limit(i) > border && forwarded_limit(i) <= wider)
			requests += forwarded_requests(s->forwarded, i);
	return requests;
}

/* As MPOOL_SMALL_MAX takes it. */
static const char *setting(uint64_t border)
{
	return border < KIB ? cli_format("%d", (int)border)
			    : cli_format("%dk", (int)(border / KIB));
}

void run_border(FILE *out, const struct snapshot *s)
{
	uint64_t all = page_allocations(s), served, wider;
	uint64_t border = s->classes[s->class_count - 1].stats.size;
	uint64_t most = between(s, border, WIDE_MAX);

	if (all < REQUESTS_LEAST || most * 100 <= all * WORTH_PERCENT)
		return;
	for (wider = WIDE_MAX; wider / 2 > border; wider /= 2)
		if (between(s, border, wider / 2) * 100 < most * MOST_PERCENT)
			break;
	served = between(s, border, wider);
	fprintf(out, "; MPOOL_SMALL_MAX=%s would serve %.1f %% more",
		setting(wider), 100 * (double)served / (double)all);
	if (served < most)
		fprintf(out, ", %s %.1f %%", setting(WIDE_MAX),
			100 * (double)most / (double)all);
}
