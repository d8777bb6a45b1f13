/* SPDX-License-Identifier: MIT */
/*
 * hard_unit.h - the addresses of the hardened heap.
 */
#ifndef HEAP_HARD_UNIT_H
#define HEAP_HARD_UNIT_H

#include "base/common.h"

/*
 * A unit is 2 MiB of addresses of which at most half are mapped: what writes a
 * mebibyte too far or too near meets nothing, and nothing needs to be protected
 * to be a guard page.
 */
enum {
	UNIT_SHIFT = 21,
	UNIT_BYTES = 1 << UNIT_SHIFT,
#ifdef __SANITIZE_THREAD__
	UNITS_MOST = 1 << 16, /* 128 GiB: ThreadSanitizer has no more room */
#else
	UNITS_MOST = 1 << 19, /* 1 TiB */
#endif
};

enum unit_kind {
	UNIT_NONE, /* never used, or given back, or inside an object */
	UNIT_SLOTS,
	UNIT_ALONE,
	UNIT_FREED, /* the same, and the object is free */
	UNIT_TAKEN, /* somebody else has mapped something there */
};

/*
 * Written under the lock of its arena, or of the units; kind, arena and class
 * stay as long as anything lies there.
 */
struct unit {
	uint8_t kind, class, arena;
	bool listed;	     /* among those with free slots */
	uint32_t next, prev; /* units of a list; 0: none */
	uint32_t run;	     /* units that were taken together */
	union {
		struct {
			uint32_t fresh;	 /* slots handed out so far */
			uint32_t free;	 /* bits set below */
			uint32_t cursor; /* word of `bits` to look at first */
			uint32_t ready;	 /* bytes that were faulted in */
			uint64_t *bits;	 /* free slots, one bit each */
			void *states;
		};
		struct {
			size_t size;
			char *start, *end; /* of the object; of its pages */
			uint32_t first;	   /* unit of the run */
		};
	};
} __attribute__((aligned(64)));

extern HIDDEN uintptr_t unit_base;
extern HIDDEN struct unit *units;
extern HIDDEN size_t units_known; /* that have a struct */

/* Both are read by who holds no lock yet. */
static inline unsigned unit_kind(const struct unit *u)
{
	return __atomic_load_n(&u->kind, __ATOMIC_ACQUIRE);
}

static inline void unit_set_kind(struct unit *u, enum unit_kind kind)
{
	__atomic_store_n(&u->kind, (uint8_t)kind, __ATOMIC_RELEASE);
}

static inline unsigned unit_arena(const struct unit *u)
{
	return __atomic_load_n(&u->arena, __ATOMIC_RELAXED);
}

static inline void unit_set_arena(struct unit *u, uint8_t arena)
{
	__atomic_store_n(&u->arena, arena, __ATOMIC_RELAXED);
}

static inline size_t unit_number(const void *p)
{
	return ((uintptr_t)p - unit_base) >> UNIT_SHIFT;
}

static inline char *unit_address(size_t number)
{
	return (char *)(unit_base + (number << UNIT_SHIFT));
}

static inline size_t units_ready(void)
{
	return __atomic_load_n(&units_known, __ATOMIC_ACQUIRE);
}

/* Finds a window.  Once. */
bool units_start(uint64_t random);

/*
 * `count` units in a row, or some more.  Those given last come again last.  0:
 * none are left.  Caller holds the lock of the units, here and below.
 */
size_t units_take(size_t count);
void units_give(size_t first);

/*
 * Maps memory of units, and unmaps all of a mapping.  False: there is none, or
 * somebody else has mapped something there (*taken).
 */
bool units_map(char *at, size_t bytes, bool *taken);
bool units_unmap(char *at, size_t bytes);

/* How many mappings there are, and may be. */
extern HIDDEN size_t units_mapped, units_mapped_most;

/* Mappings or addresses have been refused though there may be memory. */
extern HIDDEN bool units_crowded;

/* Forgets what is free. */
void units_abandon(void);

/* Zeroed memory for what is known of slots; it is never given back. */
void *units_memory(size_t bytes);

#endif
