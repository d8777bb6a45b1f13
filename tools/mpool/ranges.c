/* SPDX-License-Identifier: MIT */
/*
 * ranges.c - what lies at an address.
 *
 * Sorted by where they begin, the longer first, so what lies inside another
 * comes behind it.  A look goes back from the last that begins in time, no
 * farther than `reach` says that one may still hold the address.
 */
#include "ranges.h"

#include <stdlib.h>

#include "cli.h"

void ranges_add(struct ranges *r, uint64_t low, uint64_t high, size_t what)
{
	if (low >= high)
		return;
	if (r->count == r->room) {
		r->room = r->room ? 2 * r->room : 64;
		r->all = cli_grow(r->all, r->room * sizeof *r->all);
	}
	/* Its place, till they are sorted. */
	r->all[r->count] = (struct range){ low, high, r->count, what };
	r->count++;
}

static int compare(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	if (x->high != y->high)
		return x->high > y->high ? -1 : 1;
	return x->reach < y->reach ? -1 : 1;
}

void ranges_sort(struct ranges *r)
{
	uint64_t reach = 0;

	if (r->count)
		qsort(r->all, r->count, sizeof *r->all, compare);
	for (size_t i = 0; i < r->count; i++) {
		if (r->all[i].high > reach)
			reach = r->all[i].high;
		r->all[i].reach = reach;
	}
}

const struct range *ranges_before(const struct ranges *r, uint64_t at)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (r->all[middle].low <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &r->all[low - 1] : NULL;
}

const struct range *ranges_find(const struct ranges *r, uint64_t at)
{
	const struct range *range = ranges_before(r, at);

	for (; range && range->reach > at; range--) {
		if (range->high > at)
			return range;
		if (range == r->all)
			break;
	}
	return NULL;
}

void ranges_free(struct ranges *r)
{
	free(r->all);
	*r = (struct ranges){ 0 };
}
