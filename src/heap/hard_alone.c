/* SPDX-License-Identifier: MIT */
/*
 * hard_alone.c - large objects of the hardened heap, each in units of its own.
 *
 * An object begins in the first page of its units and ends, but for its
 * alignment, with its last page, behind which nothing is mapped.  It grows
 * there as long as there is room, and moves without a copy.  A freed one is
 * unmapped at once, and its addresses stay empty for a while.
 */
#include "heap/hard_alone.h"

#include "base/sys.h"
#include "heap/hard.h"
#include "heap/hard_canary.h"
#include "heap/hard_crime.h"

enum { CANARY_MOST = 32 };

struct hard_count alone_served[ALONE_ROWS];

const size_t alone_most[ALONE_ROWS] = {
	256 * KIB, MIB, 4 * MIB, 64 * MIB, (size_t)UNITS_MOST *UNIT_BYTES,
};

static struct hard_count *row_of(size_t size)
{
	unsigned i = 0;

	while (size > alone_most[i])
		i++;
	return &alone_served[i];
}

static char *page_of(const struct unit *u)
{
	return (char *)((uintptr_t)u->start & ~(sys_page() - 1));
}

static char *room_end(const struct unit *u)
{
	return unit_address(u->first + units[u->first].run) - sys_page();
}

static char *end_for(const char *start, size_t size)
{
	return (char *)round_up((uintptr_t)start + size, sys_page());
}

static char *before(const struct unit *u)
{
	return u->start -
	       min_of((size_t)(u->start - page_of(u)), (size_t)CANARY_MOST);
}

static char *behind(const struct unit *u)
{
	char *end = u->start + u->size;

	return end + min_of((size_t)(u->end - end), (size_t)CANARY_MOST);
}

static void set_canaries(const struct unit *u)
{
	canary_fill(u->start, before(u), u->start);
	canary_fill(u->start, u->start + u->size, behind(u));
}

static void look(const struct unit *u)
{
	if (!canary_fills(u->start, before(u), u->start))
		hard_crime(HARD_UNDERFLOW, u->start, u->size);
	if (!canary_fills(u->start, u->start + u->size, behind(u)))
		hard_crime(HARD_OVERFLOW, u->start, u->size);
}

/* Bytes between the first page's begin and an object that ends with a page. */
static size_t lead_of(size_t size, size_t alignment)
{
	size_t page = sys_page();

	return alignment > page ? 0
				: (round_up(size, page) - size) & -alignment;
}

/* Units for so many bytes, a guard page, and a begin that is aligned. */
static size_t units_for(size_t bytes, size_t alignment)
{
	bytes += sys_page() + (alignment > UNIT_BYTES ? alignment : 0);
	return (bytes + UNIT_BYTES - 1) >> UNIT_SHIFT;
}

static struct unit *note(size_t first, char *start, size_t size)
{
	struct unit *u = &units[unit_number(start)];

	u->first = (uint32_t)first;
	u->start = start;
	u->size = size;
	u->end = end_for(start, size);
	return u;
}

static size_t mapped(const struct unit *u)
{
	return (size_t)(u->end - page_of(u));
}

static void count_in(const struct unit *u)
{
	struct hard_count *row = row_of(u->size);

	count_alloc(row, u->size);
	count_mapped(row, mapped(u));
	count_peak(row);
}

static void count_out(const struct unit *u)
{
	count_free(row_of(u->size), u->size);
	count_unmapped(row_of(u->size), mapped(u));
}

static void publish(struct unit *u)
{
	set_canaries(u);
	count_in(u);
	unit_set_kind(u, UNIT_ALONE);
}

void *alone_alloc(size_t size, size_t alignment)
{
	size_t lead = lead_of(size, alignment), first;
	struct unit *u;
	char *at;
	bool taken;

	if (size > (size_t)UNITS_MOST * UNIT_BYTES / 2 ||
	    alignment > (size_t)UNITS_MOST * UNIT_BYTES / 4)
		return NULL;
	do {
		first = units_take(units_for(lead + size, alignment));
		if (!first)
			return NULL;
		at = (char *)round_up((uintptr_t)unit_address(first),
				      alignment);
		u = note(first, at + lead, size);
		if (units_map(at, (size_t)(u->end - at), &taken)) {
			publish(u);
			return u->start;
		}
	} while (taken); /* then these units are left alone for ever */
	units_give(first);
	return NULL;
}

static void check_start(const struct unit *u, const char *p)
{
	if (unlikely(u->start != p))
		hard_crime(HARD_INSIDE, p, u->size);
	if (unlikely(u->kind == UNIT_FREED))
		hard_crime(HARD_DOUBLE_FREE, p, u->size);
}

static void forget(struct unit *u)
{
	count_out(u);
	unit_set_kind(u, UNIT_FREED);
	units_give(u->first);
}

void alone_free(struct unit *u, const char *p)
{
	check_start(u, p);
	look(u);
	if (units_unmap(page_of(u), mapped(u)))
		forget(u);
	else
		unit_set_kind(u, UNIT_FREED);
}

size_t alone_size(const struct unit *u, const char *p)
{
	check_start(u, p);
	return u->size;
}

static bool stretch(struct unit *u, size_t size)
{
	char *end = end_for(u->start, size);

	if (size > (size_t)UNITS_MOST * UNIT_BYTES || end > room_end(u))
		return false;
	/* Another mapping beside one that has moved would not join it. */
	if (end != u->end && !sys_remap(page_of(u), mapped(u), page_of(u),
					(size_t)(end - page_of(u))))
		return false;
	count_out(u);
	u->end = end;
	u->size = size;
	count_in(u);
	set_canaries(u);
	return true;
}

static void *move(struct unit *u, size_t size)
{
	char *from = page_of(u), *at, *start;
	size_t lead = (size_t)(u->start - from);
	size_t first = units_take(units_for(lead + size, 1));
	struct unit *to;

	if (!first)
		return NULL;
	at = unit_address(first);
	start = at + lead;
	if (!sys_remap(from, mapped(u), at,
		       (size_t)(end_for(start, size) - at))) {
		units_give(first);
		return NULL;
	}
	to = note(first, start, size);
	publish(to);
	forget(u);
	return start;
}

void *alone_resize(struct unit *u, char *p, size_t size)
{
	char *old_end;

	check_start(u, p);
	look(u);
	old_end = u->start + u->size;
	/* What was the canary is the program's again, and zero at first. */
	memset(old_end, 0, (size_t)(behind(u) - old_end));
	if (stretch(u, size))
		return p;
	p = size > u->size ? move(u, size) : NULL;
	if (!p)
		set_canaries(u);
	return p;
}

RARE bool alone_check(const struct unit *u)
{
	look(u);
	return false;
}
