/* SPDX-License-Identifier: MIT */
/*
 * vacant.h - the free slabs: kept for a while, then returned to the kernel.
 *
 * Every function is called with the space's lock held, but for two.
 */
#ifndef HEAP_VACANT_H
#define HEAP_VACANT_H

#include "heap/space.h"

void vacant_start(void);

/* The lowest kept slab; SPACE_NONE when there is none. */
size_t vacant_take_kept(void);

/*
 * The lowest returned slab, else the lowest of which the address space was
 * given up, usable again.
 * SPACE_NONE when there is none, or the kernel refuses.
 */
size_t vacant_take(size_t used);

/* One more slab is in use, fresh or not; `used` are now. */
void vacant_rise(size_t used, bool fresh);

/*
 * Keeps a slab; beyond what is worth keeping, memory goes to the kernel.
 * `peak` is the most slabs that have been in use.
 */
void vacant_give(size_t slab, size_t used, size_t peak);

/*
 * What is worth no more to be kept goes to the kernel.  Called when
 * vacant_due_ms() of sys_about_now_ms() is over; to ask for that needs no lock.
 */
void vacant_look(size_t used, size_t peak);
uint64_t vacant_due_ms(void);

/* From now on nothing is returned: the process is about to end. */
void vacant_keep_all(void);

/* Gives all kept slabs back to the kernel.  Returns bytes. */
size_t vacant_trim(void);

/* Unmaps all free slabs, for others.  Returns how many. */
size_t vacant_yield(void);

/*
 * The kernel has refused memory: returned slabs are decommitted, so that
 * others can have it.
 */
void vacant_refused(void);

bool vacant_is_tight(void);

/* The kernel has given memory again: see vacant_refused(). */
void vacant_granted(void);

/*
 * Others have mapped something there.  A hole is such a place, or one where
 * they may have by now; asking needs no lock.
 */
void vacant_skip(size_t slab);
bool vacant_is_hole(size_t slab);

size_t vacant_kept(void);
size_t vacant_returned(void);
size_t vacant_yielded(void);

/* Aborts when an invariant does not hold. */
void vacant_check(void);

#endif
