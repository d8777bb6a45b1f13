/* SPDX-License-Identifier: MIT */
/*
 * route.c - walks up a call stack that has changed little since the last walk.
 *
 * Routes lie in a table by thread; of two threads in one place, each forgets
 * the other's.  Only what lies in the thread's own stack is remembered, and
 * only where code has rules that stay.  A handler that comes in between walks
 * without one.
 */
#include "watch/route.h"

#include <string.h>

#include "base/hash.h"
#include "base/sys.h"
#include "watch/rule.h"

#if RULES

enum { ROUTES_LOG = 6 };

static struct route *routes[1 << ROUTES_LOG] LARGE("route");

static struct route *route_of_thread(void)
{
	uint64_t self = (uintptr_t)__builtin_thread_pointer();
	struct route **at = &routes[hash_of(self) >> (32 - ROUTES_LOG)];
	struct route *r = __atomic_load_n(at, __ATOMIC_ACQUIRE), *other = NULL;
	size_t bytes = round_up(sizeof *r, sys_page());

	if (likely(r))
		return r;
	r = sys_map_named(bytes, "mpool record");
	if (!r)
		return NULL;
	if (__atomic_compare_exchange_n(at, &other, r, false, __ATOMIC_RELEASE,
					__ATOMIC_ACQUIRE))
		return r;
	sys_unmap(r, bytes);
	return other;
}

/* A sanitizer may say that what has returned left something there. */
static __attribute__((no_sanitize("address", "thread"))) bool
holds(uintptr_t not_address, uintptr_t word)
{
	return *(const uintptr_t *)~not_address == word;
}

/* How many steps, from the outermost on, would read the same again. */
static unsigned unchanged(const struct route *r)
{
	unsigned n = 0;

	for (const struct step *s = r->steps; n < r->count; s++, n++)
		if (!holds(s->not_sp + sizeof s->pc, s->pc) ||
		    (s->not_bp_at && s->needs_bp &&
		     !holds(s->not_bp_at, ~s->not_bp)) ||
		    (s->not_sp_at && !holds(s->not_sp_at, ~s->not_sp)))
			break;
	return n;
}

static bool is_at(const struct step *s, const struct walk *w)
{
	return s->not_sp == ~w->sp && s->pc == w->pc &&
	       (s->not_bp == ~w->bp || !s->needs_bp);
}

static struct step step_of(const struct walk *w)
{
	return (struct step){
		.pc = w->pc,
		.not_sp = ~w->sp,
		.not_bp = ~w->bp,
		.not_bp_at = w->bp_at ? ~w->bp_at : 0,
		.not_sp_at = w->sp_at ? ~w->sp_at : 0,
		.used_bp = w->used_bp,
		.same_bp = !w->bp_at,
	};
}

struct route *route_begin(const struct walk *w)
{
	struct route *r = route_of_thread();
	uint32_t closings = walk_closings();

	if (!r || __atomic_exchange_n(&r->busy, 1, __ATOMIC_ACQUIRE))
		return NULL;
	if (r->closings != closings ||
	    !walk_owns(~r->start.not_sp, ~r->not_top))
		r->count = 0;
	r->at = unchanged(r);
	r->joins = r->count && r->at == r->count && is_at(&r->start, w);
	r->kept = r->joins ? r->count : 0;
	r->fresh = ROUTE_MOST;
	r->full = false;
	r->closings = closings;
	if (!r->joins)
		r->start = step_of(w);
	return r;
}

void route_note(struct route *r, const struct walk *w)
{
	while (r->at && r->steps[r->at - 1].not_sp > ~w->sp)
		r->at--;
	if (r->at && is_at(&r->steps[r->at - 1], w)) {
		struct step *s = &r->steps[r->at - 1], new = step_of(w);

		/* It may have come there another way. */
		new.needs_bp = s->needs_bp;
		*s = new;
		r->kept = r->at--;
		r->joins = true;
	} else if (r->fresh > r->at) {
		r->steps[--r->fresh] = step_of(w);
	} else {
		r->full = true;
	}
}

/* `caller`: the next one; NULL: it is the last, and used_bp that of the end. */
static void learn_need(struct step *s, const struct step *caller, bool used_bp)
{
	s->needs_bp = caller ? caller->used_bp ||
				       (caller->same_bp && caller->needs_bp)
			     : used_bp;
}

static void remember(struct route *r, bool used_bp)
{
	unsigned fresh = ROUTE_MOST - r->fresh;
	const struct step *caller = r->kept ? &r->steps[r->kept - 1] : NULL;

	memmove(r->steps + r->kept, r->steps + r->fresh,
		fresh * sizeof *r->steps);
	r->count = r->kept + fresh;
	for (unsigned n = r->kept; n < r->count; n++) {
		learn_need(&r->steps[n], caller, used_bp);
		caller = &r->steps[n];
	}
	learn_need(&r->start, caller, used_bp);
	r->not_top = ~walk_top();
}

void route_end(struct route *r, const struct walk *w, enum walk_end end)
{
	bool whole = r->joins || (end == WALK_WHOLE && !w->pc);

	if (!whole || w->passing || r->full)
		r->count = 0;
	else
		remember(r, w->used_bp);
	__atomic_store_n(&r->busy, 0, __ATOMIC_RELEASE);
}

#endif
