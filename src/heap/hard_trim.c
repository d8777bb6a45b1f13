/* SPDX-License-Identifier: MIT */
/*
 * hard_trim.c - gives free memory of the hardened heap back to the kernel.
 *
 * It is zero there and will be zero when it comes again.  So what is to go is
 * looked at before, lest a write after free go with it.
 */
#include "heap/hard_trim.h"

#include "base/bits.h"
#include "base/sys.h"
#include "heap/hard_look.h"

/* Slots in a row, from..to; what is fresh has no memory. */
static RARE bool trim_run(const struct unit *u, uint32_t from, uint32_t to)
{
	const struct hard_class *k = &hard_classes[u->class];
	uintptr_t start = (uintptr_t)slot_address(u, from);
	uintptr_t end =
		(uintptr_t)slot_address(u, to == u->fresh ? k->capacity : to);

	start = round_up(start, sys_page());
	end = to == u->fresh ? round_up(end, sys_page()) : end & -sys_page();
	for (uint32_t i = from; i < to; i++)
		hard_look(slot_address(u, i), SIZE_MAX);
	return start < end && sys_return((void *)start, end - start);
}

static RARE bool trim_packed(const struct unit *u)
{
	bool any = false;
	uint32_t to;

	for (uint32_t i = 0; i < u->fresh; i = to + 1) {
		for (to = i; to < u->fresh && bits_has(u->bits, to);)
			to++;
		if (to > i && trim_run(u, i, to))
			any = true;
	}
	return any;
}

static RARE bool trim_paged(const struct unit *u)
{
	const struct hard_class *k = &hard_classes[u->class];
	struct hard_paged *states = hard_paged_of(u);
	bool any = false;

	for (uint32_t i = 0; i < u->fresh; i++) {
		char *slot = slot_address(u, i);

		if (!bits_has(u->bits, i) || !states[i].word ||
		    states[i].lead == HARD_RETURNED)
			continue;
		hard_look(slot, SIZE_MAX);
		if (!sys_return(slot, k->room))
			continue;
		states[i].lead = HARD_RETURNED;
		any = true;
	}
	return any;
}

RARE bool trim_unit(const struct unit *u)
{
	if (!u->class)
		return false;
	return hard_is_paged(u->class) ? trim_paged(u) : trim_packed(u);
}
