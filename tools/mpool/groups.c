/* SPDX-License-Identifier: MIT */
/*
 * groups.c - live samples of a profile by site, thread and kind of leak.
 */
#include "groups.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define ORDER(member)                                                          \
	do {                                                                   \
		if (x->member != y->member)                                    \
			return x->member < y->member ? -1 : 1;                 \
	} while (0)

#define ORDER_BY_SITE                                                          \
	do {                                                                   \
		ORDER(stack);                                                  \
		ORDER(size);                                                   \
		ORDER(unit);                                                   \
		ORDER(weight);                                                 \
	} while (0)

int groups_order(const struct object *x, const struct site *y)
{
	ORDER_BY_SITE;
	return 0;
}

static int by_group(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	ORDER_BY_SITE;
	ORDER(thread);
	ORDER(state);
	return 0;
}

struct groups groups_of(const struct profile *p)
{
	struct groups g = {
		.all = cli_alloc(p->object_count * sizeof *g.all),
	};

	if (!p->object_count)
		return g;
	memcpy(g.all, p->objects, p->object_count * sizeof *g.all);
	qsort(g.all, p->object_count, sizeof *g.all, by_group);
	for (size_t i = 0; i < p->object_count; i++)
		if (g.count && !by_group(&g.all[g.count - 1], &g.all[i]))
			g.all[g.count - 1].samples += g.all[i].samples;
		else
			g.all[g.count++] = g.all[i];
	return g;
}

size_t groups_find(const struct groups *g, const struct site *site)
{
	size_t low = 0, high = g->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (groups_order(&g->all[middle], site) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
