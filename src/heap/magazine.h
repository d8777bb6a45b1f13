/* SPDX-License-Identifier: MIT */
/*
 * magazine.h - a block of pointers to free objects of one class.
 *
 * 1 KiB, aligned to its size.  Slots 0..126 hold a stack that grows down from
 * slot 126; slot 127 never holds an object: it is the resting place of an
 * empty stack's top and, in the depot, the number of objects.
 *
 * A stack is named by one word.  The free side's word points at the object
 * freed last (the top), the alloc side's one slot above it:
 *
 *   free side:  full   when word % 1024 == 0     (the top is slot 0)
 *               empty  when word % 1024 == 1016  (the top is slot 127)
 *   alloc side: empty  when word % 1024 == 0     (slot 128, one beyond)
 *
 * So a zero word is a full free side and an empty alloc side: a new thread
 * takes the slow path without a test of its own.
 *
 * A class of larger objects fills no more than `fill` slots.  Its free side
 * rests on slot `fill`, which holds NULL then, and is moved up to the end of
 * the magazine when it goes elsewhere: only there, stacks end at slot 126.
 */
#ifndef HEAP_MAGAZINE_H
#define HEAP_MAGAZINE_H

#include "base/fork_table.h"

enum {
	MAGAZINE_SLOTS = 128,
	MAGAZINE_BYTES = MAGAZINE_SLOTS * sizeof(void *),
	MAGAZINE_OBJECTS = MAGAZINE_SLOTS - 1,
};

struct magazine {
	void *objects[MAGAZINE_OBJECTS];
	uintptr_t count; /* of a magazine in the depot; always < 1024 */
};

_Static_assert(sizeof(struct magazine) == MAGAZINE_BYTES &&
		       !(MAGAZINE_BYTES & (MAGAZINE_BYTES - 1)),
	       "full and empty are told by the low bits of a word");

/* The magazine that a stack pointer (not an alloc side's word) is in. */
static inline struct magazine *magazine_of(void **top)
{
	return (struct magazine *)((uintptr_t)top &
				   ~(uintptr_t)(MAGAZINE_BYTES - 1));
}

static inline void **magazine_empty_top(struct magazine *m)
{
	return (void **)m + MAGAZINE_OBJECTS;
}

static inline size_t magazine_count(void **top)
{
	return (size_t)(magazine_empty_top(magazine_of(top)) - top);
}

/* The free side's word of an empty magazine. */
static inline void **magazine_rest(struct magazine *m, unsigned fill)
{
	void **top = (void **)m + fill;

	*top = NULL;
	return top;
}

/* Objects of a free side. */
static inline size_t magazine_freed(void **top, unsigned fill)
{
	return (size_t)((void **)magazine_of(top) + fill - top);
}

/* Outlined half of magazine_raise(). */
void **magazine_lift(void **top, unsigned fill);

/* A free side, which is nobody's now, as a stack that ends at slot 126. */
static inline void **magazine_raise(void **top, unsigned fill)
{
	return likely(fill == MAGAZINE_OBJECTS) ? top
						: magazine_lift(top, fill);
}

static inline bool magazine_word_at_edge(void **word)
{
	return ((uintptr_t)word & (MAGAZINE_BYTES - 1)) == 0;
}

/* An empty magazine; NULL when memory is out.  Takes the space lock. */
struct magazine *magazine_new(void);
void magazine_free(struct magazine *m);

/* Breaks the lock in a child process. */
void magazine_reset_lock(void);

void magazine_fork(struct fork_table *t);

#endif
