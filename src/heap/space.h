/* SPDX-License-Identifier: MIT */
/*
 * space.h - the address range of the pools, handed out slab by slab.
 *
 * A slab is 64 KiB of one class.  Which class is asked by address: one
 * subtraction, one shift, one byte (space_size_of).
 */
#ifndef HEAP_SPACE_H
#define HEAP_SPACE_H

#include "base/fork_table.h"

enum {
	SLAB_SHIFT = 16,
	SLAB_BYTES = 1 << SLAB_SHIFT,
	WINDOW_SLABS = 1 << 20, /* 64 GiB */
	SPACE_NONE = WINDOW_SLABS,
};

/*
 * Address of slab 0, a multiple of 2 MiB; SPACE_NOWHERE until space_start(),
 * of which no address is near.  Slab d lies at space_base + d * SLAB_BYTES.
 */
#define SPACE_NOWHERE ((uintptr_t)1 << 63)
extern HIDDEN uintptr_t space_base;

/* Slabs below this have records, ours or not; 0 before the start. */
extern HIDDEN size_t space_reach;

enum {
	ARRAY_OFFSET = 1024, /* where in their page two arrays meet */
	MAP_DISTANCE = (2 << 20) - ARRAY_OFFSET,
};

/*
 * The place of each slab of the window: PLACES * its class, 0 for all that is
 * not ours: unused slabs, and places where somebody else has mapped something.
 * What a thread's cache has of a class lies PLACE_BYTES * place into it, so
 * free needs no more than this byte.  The map lies at a fixed distance from the
 * window, so one load finds both.  Written under the lock of the class; read by
 * anyone.
 */
enum { PLACES = 2, PLACE_BYTES = 8 };

static inline uint8_t *space_map(void)
{
	return (uint8_t *)space_base - MAP_DISTANCE;
}

struct space_stats {
	size_t used_slabs;
	size_t kept_slabs;     /* free, their memory not yet given back */
	size_t returned_slabs; /* free, their memory given back */
	size_t reserved_slabs; /* address space, the above included */
};

/* Slab number of an address; WINDOW_SLABS or more: not ours. */
static inline size_t space_slab_of(const void *p)
{
	return ((uintptr_t)p - space_base) >> SLAB_SHIFT;
}

static inline uintptr_t space_address(size_t slab)
{
	return space_base + (slab << SLAB_SHIFT);
}

static inline bool space_reaches(size_t slab)
{
	return slab < __atomic_load_n(&space_reach, __ATOMIC_RELAXED);
}

/* Place of the objects around `p`; 0: not in a slab of any class. */
static inline size_t space_place_of(const void *p)
{
	size_t d = space_slab_of(p);

	if (unlikely(d >= WINDOW_SLABS))
		return 0;
	return __atomic_load_n(&space_map()[d], __ATOMIC_RELAXED);
}

enum { SPACE_ARRAYS = 3, SPACE_ARRAY_DOWN = 1 };

/*
 * Finds a window and reserves its first part.  Beside it lie arrays of zeroed
 * memory with record_bytes[i] for each slab.  False when there is no room: the
 * pools stay off.  Called once.
 */
bool space_start(const size_t record_bytes[SPACE_ARRAYS]);

/*
 * Slab d's part of array i is [i] + d * record_bytes[i]; of array 1, which
 * grows down from where array 0 begins, it is [1] - (d + 1) * record_bytes[1].
 * They meet inside a page: of both, a small program touches that one.
 */
extern HIDDEN char *space_arrays[SPACE_ARRAYS];

/*
 * One slab of usable memory, contents arbitrary; kept ones first, at the
 * lowest address.  SPACE_NONE when the kernel refuses, the limit is reached or
 * the window is full.
 */
size_t space_take(void);

/*
 * The same; a fresh one may be usable in part, at least `bytes`, a multiple of
 * pages: part.h says where.  Later the whole of it is asked for; false when the
 * kernel refuses.
 */
size_t space_take_part(size_t bytes);
bool space_complete(size_t slab);

/* The next request asks the kernel, however often that was in vain. */
void space_insist(void);

/* From now on space_take() gives no more than `slabs` at a time; 0: any. */
void space_set_limit(size_t slabs);

/*
 * Takes a slab back, keeps it while that is worth it, then returns it.  Who can
 * call space_look() when space_is_due() (which needs no lock) defines
 * space_restless(): it is called with the lock held when that will be so.
 */
void space_give(size_t slab);
bool space_is_due(void);
void space_look(void);
void space_restless(void) __attribute__((weak));

/* From now on nothing is returned: the process is about to end. */
void space_keep_all(void);

/* Gives all kept slabs back to the kernel.  Returns bytes. */
size_t space_trim(void);

/*
 * Gives the address space of all that is free up, for others.  What is needed
 * again later is mapped again, if it is there.  Returns bytes.
 */
size_t space_yield(void);

/*
 * Defined by who can ask for space_yield(): called with the lock held when the
 * space has become large or the kernel has refused it memory, so each time
 * that something is worth asking for.
 */
void space_notable(void) __attribute__((weak));

/* Slabs of this number and above have never been handed out. */
size_t space_end(void);

/* True when the address lies in what we have reserved of the window. */
bool space_owns(const void *p);

/*
 * True when it lies anywhere in the window and nobody else has mapped
 * something there: then no allocator has handed it out.
 */
bool space_strays(const void *p);

void space_stats(struct space_stats *stats);

/* Aborts when an invariant does not hold.  Takes the lock. */
void space_check(void);

void space_fork(struct fork_table *t);

/* Breaks the lock in a child process; whether it has to be. */
void space_reset_lock(void);
bool space_locked(void);

/* Gives up on a state that a lost holder left half changed: no new slabs. */
void space_abandon(void);

#endif
