/* SPDX-License-Identifier: MIT */
/*
 * region_watch.h - each allocation of a region, when somebody looks on.
 *
 * Under ASan, valgrind or MEMPOOL_DEBUG a region notes its allocations, with
 * room between them, so that tools know each, freed ones are poisoned, and a
 * count of live ones is there.  The notes come from malloc.  Elsewhere a region
 * is not watched, and nothing of this is called or done.
 */
#ifndef POOL_REGION_WATCH_H
#define POOL_REGION_WATCH_H

#include "pool/debug.h"
#include "pool/region.h"

/* Room before an allocation, and what its address is a multiple of. */
enum { WATCH_GAP = 16 };

/* Room for one more note; false: no memory. */
bool watch_ready(struct region *r);

/* An allocation that is given now.  watch_ready() was true. */
void watch_note(struct region *r, char *p, size_t bytes);

/* Ends the program when there is no such allocation. */
void watch_must_hold(const struct region *r, const char *p, size_t bytes);

/* One that there is becomes smaller, where it is. */
void watch_shrink(struct region *r, char *p, size_t bytes, size_t smaller);

/* One that there is becomes free; or all of order `since` or later. */
void watch_forget_one(struct region *r, const char *p, size_t bytes);
void watch_forget(struct region *r, uint64_t since);

/* After the last allocation is freed. */
void watch_end(struct region *r);

/* Outlined halves. */
void watch_fill_slow(char *from, char *to);
void watch_enter_slow(struct region *r);
void watch_leave_slow(struct region *r);

/* Poison for memory that comes new from the page source. */
static inline void watch_fill(struct region *r, char *from, char *to)
{
	if (unlikely(r->watched))
		watch_fill_slow(from, to);
}

/*
 * Around each call: with DEBUG_OWNER, two threads at once end the program.  A
 * region may be handed on, so a second thread is no crime by itself.
 */
static inline void watch_enter(struct region *r)
{
	if (unlikely(r->watched))
		watch_enter_slow(r);
}

static inline void watch_leave(struct region *r)
{
	if (unlikely(r->watched))
		watch_leave_slow(r);
}

#endif
