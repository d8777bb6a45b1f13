/* SPDX-License-Identifier: MIT */
/*
 * leaks_json.c - leaks as JSON: a row for each stack and state, those that
 * were lost first.
 *
 * Schema mpool-leaks/1: names are added, never changed.
 */
#include <math.h>

#include "formats.h"
#include "leaks.h"
#include "web_json.h"

static void put_row(FILE *out, const struct profile *p, struct symbols *symbols,
		    const struct leak_group *g)
{
	fprintf(out,
		"{\"state\":\"%s\",\"bytes\":%.0f,\"objects\":%.0f,"
		"\"error\":%.0f,\"samples\":%llu,\"oldest_ms\":%llu,"
		"\"newest_ms\":%llu,",
		leaks_state(g->state), g->bytes, g->count,
		2 * sqrt(g->variance), (unsigned long long)g->samples,
		(unsigned long long)g->oldest_ms,
		(unsigned long long)g->newest_ms);
	format_json_row(out, &p->stacks[g->stack], symbols);
	putc('}', out);
}

void leaks_json(FILE *out, const struct profile *p, struct symbols *symbols,
		const struct leak_group *groups, size_t count,
		const struct leak_report *r)
{
	fputs("{\"schema\":\"mpool-leaks/1\",\"program\":", out);
	web_json_string(out, p->program);
	fprintf(out,
		",\"pid\":%llu,\"period\":%llu,\"lost_bytes\":%.0f,"
		"\"lost_objects\":%.0f,\"error\":%.0f,"
		"\"indirect_bytes\":%.0f,\"indirect_objects\":%.0f,"
		"\"reachable_bytes\":%.0f,\"unknown_bytes\":%.0f,"
		"\"suppressed\":%zu,\"running\":%llu,\"rows\":[",
		(unsigned long long)p->pid, (unsigned long long)p->period,
		r->lost_bytes, r->lost_count, 2 * sqrt(r->lost_variance),
		r->indirect_bytes, r->indirect_count, r->reachable_bytes,
		r->unknown_bytes, r->suppressed,
		(unsigned long long)p->running);
	for (size_t i = 0; i < count; i++) {
		fputs(i ? ",\n" : "\n", out);
		put_row(out, p, symbols, &groups[i]);
	}
	fputs("\n]}\n", out);
}
