/* SPDX-License-Identifier: MIT */
/*
 * route.h - walks up a call stack that has changed little since the last walk.
 *
 * Where a walk comes to depends on where it is, on the words that it reads, and
 * on the rules of the code.  So a thread's last walk is remembered with its
 * words: a new one that comes past where the last one was, outside of which no
 * word has changed, has the same frames from there on.
 */
#ifndef WATCH_ROUTE_H
#define WATCH_ROUTE_H

#include "watch/walk.h"

enum { ROUTE_MOST = 160 };

/*
 * Where a walk was, and how it had come there from the callee: pc was read
 * below sp, the others where it says; bp of the callee was used, or is the same
 * here.  And whether bp matters from here on: most code has other things in it,
 * which change.
 *
 * All but pc are kept inverted, for who looks for references to objects: one
 * may be in bp, or be a stack.
 */
struct step {
	uintptr_t pc, not_sp, not_bp;
	uintptr_t not_bp_at, not_sp_at; /* 0: nowhere */
	bool used_bp, same_bp, needs_bp;
};

/*
 * steps[0] is the outermost.  In a walk, those from `fresh` on are new; of the
 * old ones, `at` are left to come past, and `kept` stay if it has.
 */
struct route {
	uint32_t busy;
	uint32_t closings; /* of libraries, when it began */
	uintptr_t not_top; /* of the stack */
	struct step start;
	unsigned count, at, fresh, kept;
	bool joins, full;
	struct step steps[ROUTE_MOST];
};

/* Before the first step of a walk.  NULL: this one is not remembered. */
struct route *route_begin(const struct walk *w);

/* After each step that has led to a caller. */
void route_note(struct route *r, const struct walk *w);

/* Whether the callers are, from here on, those of steps[at - 1] to steps[0]. */
static inline bool route_joins(const struct route *r)
{
	return r && r->joins;
}

/* At its end. */
void route_end(struct route *r, const struct walk *w, enum walk_end end);

#endif
