/* SPDX-License-Identifier: MIT */
/*
 * order.c - stacks in the order of their callers, from the outermost on.
 *
 * Quicksort by one frame at a time (Bentley and Sedgewick, 1997): what many
 * have in common is looked at once.
 */
#include "watch/order.h"

#include "base/sys.h"
#include "watch/sites.h"

/* The caller so far from the outermost one; 0: there is none. */
static uintptr_t caller(uint32_t stack, unsigned distance)
{
	const struct stack *s = sites_stack(stack);

	return distance < s->depth ? s->frames[s->depth - 1 - distance] : 0;
}

static void swap(uint32_t *a, uint32_t *b)
{
	uint32_t stack = *a;

	*a = *b;
	*b = stack;
}

/* Stacks that have all callers up to `distance` in common. */
struct part {
	uint32_t *stacks;
	size_t count;
	unsigned distance;
};

/* Any, but not the one that a pattern would have where it hurts. */
static uintptr_t pivot(const struct part *p)
{
	uint32_t at = (uint32_t)p->count * UINT32_C(2654435761);

	return caller(p->stacks[at % p->count], p->distance);
}

/* The largest of three parts is the next: a thread's stack may be small. */
static void sort(struct part p)
{
	while (p.count > 1 && p.distance < STACK_DEPTH) {
		uintptr_t middle = pivot(&p);
		size_t below = 0, i = 0, above = p.count;
		unsigned largest = 0;

		while (i < above) {
			uintptr_t here = caller(p.stacks[i], p.distance);

			if (here < middle)
				swap(&p.stacks[i++], &p.stacks[below++]);
			else if (here > middle)
				swap(&p.stacks[i], &p.stacks[--above]);
			else
				i++;
		}

		const struct part parts[] = {
			{ p.stacks, below, p.distance },
			{ p.stacks + below, above - below, p.distance + 1 },
			{ p.stacks + above, p.count - above, p.distance },
		};

		for (unsigned n = 1; n < 3; n++)
			if (parts[n].count > parts[largest].count)
				largest = n;
		for (unsigned n = 0; n < 3; n++)
			if (n != largest)
				sort(parts[n]);
		p = parts[largest];
	}
}

void order_make(struct order *o)
{
	uint32_t count = sites_stacks();

	*o = (struct order){ .bytes = round_up(2 * count * sizeof(uint32_t),
					       sys_page()) };
	o->stack_at = count ? sys_map(NULL, o->bytes) : NULL;
	if (!o->stack_at)
		return;
	o->count = count;
	o->number_of = o->stack_at + count;
	for (uint32_t i = 0; i < count; i++)
		o->stack_at[i] = i + 1;
	sort((struct part){ o->stack_at, count, 0 });
	for (uint32_t i = 0; i < count; i++)
		o->number_of[o->stack_at[i] - 1] = i + 1;
}

void order_drop(struct order *o)
{
	if (o->stack_at)
		sys_unmap(o->stack_at, o->bytes);
}

uint32_t order_number(const struct order *o, uint32_t stack)
{
	return stack - 1 < o->count ? o->number_of[stack - 1] : stack;
}

uint32_t order_stack(const struct order *o, uint32_t number)
{
	return number - 1 < o->count ? o->stack_at[number - 1] : number;
}
