/* SPDX-License-Identifier: MIT */
/*
 * hard.h - the hardened heap: MPOOL_HARDEN.
 *
 * Takes the place of pools and next allocator for requests of every size, and
 * stops misuse rather than being fast:
 *
 *   state and size      of each object out of line: double and invalid frees,
 *                       and frees with another size, are found at once
 *   canaries            behind each object, to the end of its slot
 *   neighbours *        canaries and free memory beside a freed object are
 *                       looked at
 *   zero on free *      and checked soon, and when the memory is used anew
 *   quarantine *        what is freed waits, and leaves at random
 *   random slots *
 *   own pages           from 2 KiB on, against a guard page at their right
 *   nothing at all      behind an object of no bytes
 *
 * What is starred is left out when it is to cost little ("light").
 *
 * Objects lie in slots of size classes (hard_slot.c) or alone (hard_alone.c),
 * both in a window of addresses (hard_unit.c).  Threads are spread over arenas,
 * each with a lock; a process with one thread takes none.
 *
 * On an aarch64 with MTE, slot_address() in hard_slot.c is where a pointer
 * would get its tag, and hard_find() where it would lose it.
 */
#ifndef HEAP_HARD_H
#define HEAP_HARD_H

#include "base/fork_table.h"

/* Set once, at start. */
extern HIDDEN bool hard_on, hard_full;

/* Once.  False when there are no addresses for it. */
bool hard_start(bool full);

/*
 * Zeroed if `zero`, and when hard_full; `alignment` is a power of two.  NULL
 * when memory is out, or in a signal handler that has interrupted one of these
 * functions: *inside tells.  All functions preserve errno.
 */
void *hard_alloc(size_t size, size_t alignment, bool zero, bool *inside);

/* Whether an address lies where only hardened objects do. */
bool hard_owns(const void *p);

/* The rest is for those.  What is no object there ends the program. */
void hard_free(void *p);
size_t hard_size(const void *p);

/* Ends the program when the object has another size. */
void hard_expect(const void *p, size_t size);

/*
 * Where the object is now that it has `size` bytes, more than none.  NULL: it
 * is unchanged, and another one has to take its place.
 */
void *hard_resize(void *p, size_t size);

/* Looks at all that is there: what has been changed ends the program. */
void hard_check(void);

/* Gives free memory back to the kernel.  True when some was. */
bool hard_trim(void);

/* Calls both for all that there is, with the locks held. */
struct arena;
void hard_visit(void (*arena)(struct arena *a, void *data),
		void (*alone)(void *data), void *data);

/* A floor of the table of fork. */
void hard_fork(struct fork_table *t);

#endif
