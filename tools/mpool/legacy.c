/* SPDX-License-Identifier: MIT */
/*
 * legacy.c - gperftools' text format.
 *
 * Values are scaled already, and the word "heapprofile" says so: the readers
 * would scale those of "heap_v2" themselves, and all rows by one size.
 */
#include "formats.h"

static void put_counts(FILE *out, double live, double live_bytes, double total,
		       double total_bytes)
{
	fprintf(out, "%6.0f: %8.0f [%6.0f: %8.0f] @", live, live_bytes, total,
		total_bytes);
}

void format_legacy(FILE *out, const struct profile *profile,
		   enum heap_view view)
{
	double sum[4] = { 0 };

	for (size_t i = 0; i < profile->site_count; i++) {
		const struct site *s = &profile->sites[i];

		sum[0] += site_count(s, view);
		sum[1] += site_bytes(s, view);
		sum[2] += site_count(s, VIEW_TOTAL);
		sum[3] += site_bytes(s, VIEW_TOTAL);
	}
	fprintf(out, "heap profile: ");
	put_counts(out, sum[0], sum[1], sum[2], sum[3]);
	fprintf(out, " heapprofile\n");
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct site *s = &profile->sites[i];
		const struct stack *stack = &profile->stacks[s->stack];

		put_counts(out, site_count(s, view), site_bytes(s, view),
			   site_count(s, VIEW_TOTAL),
			   site_bytes(s, VIEW_TOTAL));
		for (uint32_t f = 0; f < stack->depth; f++)
			if (stack->frames[f])
				fprintf(out, " 0x%llx",
					(unsigned long long)stack->frames[f]);
		fputc('\n', out);
	}
	fprintf(out, "\nMAPPED_LIBRARIES:\n");
	for (size_t i = 0; i < profile->mapping_count; i++) {
		const struct mapping *m = &profile->mappings[i];

		/* Readers want whole pages, and files that are there. */
		if (*m->file != '/')
			continue;
		fprintf(out, "%llx-%llx r-xp %08llx 00:00 0 %s\n",
			(unsigned long long)(m->start & ~0xfffull),
			(unsigned long long)((m->end + 0xfff) & ~0xfffull),
			(unsigned long long)(m->offset & ~0xfffull), m->file);
	}
}
