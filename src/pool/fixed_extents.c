/* SPDX-License-Identifier: MIT */
/*
 * fixed_extents.c - where the blocks of a pool lie, sorted by address.
 *
 * Blocks double, so there are few of them: insertion moves what follows.
 */
#include "pool/fixed_extents.h"

#include <stdlib.h>
#include <string.h>

void extents_init(struct extents *x)
{
	x->table = x->inside;
	x->room = EXTENTS_INSIDE;
	x->count = x->last = 0;
}

void extents_clear(struct extents *x)
{
	if (x->table != x->inside)
		free(x->table);
	extents_init(x);
}

bool extents_reserve(struct extents *x)
{
	struct extent *bigger;

	if (x->count < x->room)
		return true;
	bigger = malloc(2 * x->room * sizeof(*bigger));
	if (!bigger)
		return false;
	memcpy(bigger, x->table, x->count * sizeof(*bigger));
	if (x->table != x->inside)
		free(x->table);
	x->table = bigger;
	x->room *= 2;
	return true;
}

void extents_insert(struct extents *x, char *start, char *end)
{
	unsigned i = x->count++;

	for (; i > 0 && x->table[i - 1].start > start; i--)
		x->table[i] = x->table[i - 1];
	x->table[i] = (struct extent){ start, end };
}

void extents_remove(struct extents *x, unsigned i)
{
	x->count--;
	x->last = 0;
	for (; i < x->count; i++)
		x->table[i] = x->table[i + 1];
}

static bool holds(const struct extent *e, const char *p)
{
	return p >= e->start && p < e->end;
}

const struct extent *extents_find(struct extents *x, const void *p)
{
	unsigned low = 0, high = x->count;

	if (x->last < high && holds(&x->table[x->last], p))
		return &x->table[x->last];
	while (low < high) {
		unsigned middle = (low + high) / 2;

		if ((const char *)p >= x->table[middle].end)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == x->count || !holds(&x->table[low], p))
		return NULL;
	x->last = low;
	return &x->table[low];
}
