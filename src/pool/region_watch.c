/* SPDX-License-Identifier: MIT */
/*
 * region_watch.c - each allocation of a region, when somebody looks on.
 *
 * Free memory is poisoned in units of WATCH_GAP bytes, because the next
 * allocation there may have any size.
 */
#include "pool/region_watch.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/tool.h"

enum { FIRST_ROOM = 64 };

void watch_fill_slow(char *from, char *to)
{
	if (debug_flags & DEBUG_POISON)
		for (; from < to; from += WATCH_GAP)
			debug_poison(from, WATCH_GAP);
}

static void check(struct region *r, char *from, char *to)
{
	if (debug_flags & DEBUG_POISON)
		for (; from < to; from += WATCH_GAP)
			debug_check_poison(from, WATCH_GAP, r->pool.entry.name);
}

/* --- notes --- */

bool watch_ready(struct region *r)
{
	size_t room = r->object_room ? 2 * r->object_room : FIRST_ROOM;
	struct region_object *wide;

	if (r->object_count < r->object_room)
		return true;
	wide = realloc(r->objects, room * sizeof(*wide));
	if (!wide)
		return false;
	r->objects = wide;
	r->object_room = room;
	return true;
}

static size_t rounded(size_t bytes)
{
	return round_up(bytes, WATCH_GAP);
}

void watch_note(struct region *r, char *p, size_t bytes)
{
	check(r, p, p + rounded(bytes));
	tool_object(r, p, bytes, true);
	r->objects[r->object_count++] =
		(struct region_object){ p, bytes, r->clock++ };
}

static void free_object(struct region *r, const struct region_object *o)
{
	tool_object(r, o->p, o->bytes, false);
	watch_fill_slow(o->p, o->p + rounded(o->bytes));
}

void watch_forget(struct region *r, uint64_t since)
{
	while (r->object_count &&
	       r->objects[r->object_count - 1].order >= since)
		free_object(r, &r->objects[--r->object_count]);
}

/* Where its note is. */
static size_t find(const struct region *r, const char *p, size_t bytes)
{
	size_t i = r->object_count;

	while (i && r->objects[i - 1].p != p)
		i--;
	if (!i || r->objects[i - 1].bytes != bytes)
		fault_pool("realloc", p, r->pool.entry.name,
			   i ? "its size is another"
			     : "no allocation of this region");
	return i - 1;
}

void watch_must_hold(const struct region *r, const char *p, size_t bytes)
{
	find(r, p, bytes);
}

void watch_shrink(struct region *r, char *p, size_t bytes, size_t smaller)
{
	r->objects[find(r, p, bytes)].bytes = smaller;
	tool_kept(p + smaller, bytes - smaller, true);
	watch_fill_slow(p + rounded(smaller), p + rounded(bytes));
}

void watch_forget_one(struct region *r, const char *p, size_t bytes)
{
	size_t i = find(r, p, bytes);

	free_object(r, &r->objects[i]);
	for (r->object_count--; i < r->object_count; i++)
		r->objects[i] = r->objects[i + 1];
}

void watch_end(struct region *r)
{
	free(r->objects);
	tool_pool(r, false);
}

/* --- one thread at a time --- */

void watch_enter_slow(struct region *r)
{
	const void *self = pool_self();
	const void *inside = __atomic_load_n(&r->pool.owner, __ATOMIC_RELAXED);

	if (!(debug_flags & DEBUG_OWNER))
		return;
	if (inside && inside != self)
		fault_pool("use", r, r->pool.entry.name,
			   "two threads are in this region at once");
	__atomic_store_n(&r->pool.owner, self, __ATOMIC_RELAXED);
	r->depth++;
}

void watch_leave_slow(struct region *r)
{
	if (!(debug_flags & DEBUG_OWNER))
		return;
	if (--r->depth == 0)
		__atomic_store_n(&r->pool.owner, NULL, __ATOMIC_RELAXED);
}
