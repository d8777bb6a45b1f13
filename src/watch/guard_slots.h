/* SPDX-License-Identifier: MIT */
/*
 * guard_slots.h - places for single objects, between pages that nobody may
 * touch.
 *
 * After GWP-ASan and KFENCE.  A slot holds one object, at the left or the right
 * edge of its pages; what is free of them is filled with a pattern.  A freed
 * one stays barred until it is the oldest that may be had.  Slots of a page
 * each lie with a barred page on either side, and behind them a few for larger
 * objects.
 *
 * No lock: a slot belongs to who moves its word from one state to the next, so
 * a signal handler, or a child that is forked meanwhile, finds one slot less.
 *
 *   UNUSED, FREED -> OPENING -> LIVE -> CLOSING -> FREED
 */
#ifndef WATCH_GUARD_SLOTS_H
#define WATCH_GUARD_SLOTS_H

#include "base/common.h"

enum {
	GUARD_SMALL = 224, /* slots of a page */
	GUARD_LARGE = 32,  /* and of GUARD_LARGE_BYTES */
	GUARD_SLOTS = GUARD_SMALL + GUARD_LARGE,
	GUARD_LARGE_BYTES = 256 << 10,
	GUARD_FRAMES = 48,
	GUARD_SITE_FRAMES = 8, /* that tell one site from another */
	GUARD_SHARE = 4,       /* a site has one slot in so many, at most */
};

enum guard_state {
	GUARD_UNUSED,
	GUARD_OPENING,
	GUARD_LIVE,
	GUARD_CLOSING,
	GUARD_FREED
};

/* Who did something to an object.  thread 0: nobody yet. */
struct guard_trace {
	uint32_t thread;
	uint16_t depth;
	uint16_t generation; /* watch/modules.h */
	uintptr_t frames[GUARD_FRAMES];
};

/*
 * Places are counted from the window's start: who looks for references to the
 * object must not take these for one.  open..end: the pages that are open while
 * it lives.
 */
struct guard_slot {
	uint64_t word; /* enum guard_state, and its place in time */
	uint64_t site;
	uint32_t object, open, end;
	uint32_t size;
	struct guard_trace allocated, freed;
};

enum guard_crime {
	GUARD_NO_CRIME,
	GUARD_USE_AFTER_FREE,
	GUARD_OVERFLOW,
	GUARD_UNDERFLOW,
	GUARD_WILD, /* no object is near */
	GUARD_DOUBLE_FREE,
	GUARD_INVALID_FREE,
	GUARD_CHANGED_BEHIND,
	GUARD_CHANGED_BEFORE,
};

struct guard_window {
	uintptr_t start;
	size_t bytes;
};

/* Of all slots; no bytes: guards are off. */
extern HIDDEN struct guard_window guard_window;

static inline bool guard_owns(const void *p)
{
	return (uintptr_t)p - guard_window.start < guard_window.bytes;
}

/* Of the object that is, or was, in a slot. */
static inline uintptr_t guard_address(const struct guard_slot *slot)
{
	return guard_window.start + slot->object;
}

/* Maps them.  False: it cannot be done, guards stay off. */
bool guard_slots_start(void);

/* Unmaps them, before any was taken. */
void guard_slots_stop(void);

/*
 * A slot for `size` bytes, at its right edge or its left one.  NULL: the object
 * is empty or too large, or its alignment is, no slot is free, the site has its
 * share, or the kernel refuses (then *refused).  It is the caller's alone until
 * guard_slots_live(); the object is zero.
 */
struct guard_slot *guard_slots_take(size_t alignment, size_t size, bool right,
				    const struct guard_trace *by,
				    bool *refused);

/*
 * Takes back the object at `p`, which lies in the window.  `by` is noted.  What
 * is wrong, if anything: then *slot is the nearest, NULL if there is none, and
 * *changed where its slack was changed.  A double or invalid free changes
 * nothing.
 */
enum guard_crime guard_slots_give(uintptr_t p, const struct guard_trace *by,
				  struct guard_slot **slot, uintptr_t *changed);

/* Bytes of the object that begins at `p`; false: there is none. */
bool guard_slots_size(const void *p, size_t *size);

/*
 * What touching `address` means.  GUARD_NO_CRIME: it is open, what stopped the
 * program is its own affair.  *slot is the nearest, NULL if there is none.
 */
enum guard_crime guard_slots_touch(uintptr_t address, struct guard_slot **slot);

/*
 * Opens the page of an address, so that what touches it can go on; it is barred
 * again when a slot beside it is used again.
 */
bool guard_slots_forgive(uintptr_t address);

enum guard_state guard_slots_state(const struct guard_slot *slot);

#endif
