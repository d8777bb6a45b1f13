/* SPDX-License-Identifier: MIT */
/*
 * rack.h - the depot of a class shared out among processors.
 *
 * When threads have found a class's lock held `rack_after` times, each
 * processor gets a depot of its own for that class, a rack, with its own lock.
 * A full magazine is left in the rack of the processor that its thread runs on,
 * and taken from there; from an empty one the thread goes on to a rack that is
 * not, and only then to the class's lock, its depot and its slabs.  (A thread
 * that is moved meanwhile takes a neighbour's lock, no more.)
 *
 * Programs of one thread, and of several that do not meet, never get this far,
 * and no memory is mapped.  A scarce class has no racks in use: see central.h.
 *
 * A rack's lock is taken alone, or under the lock of its class.
 */
#ifndef HEAP_RACK_H
#define HEAP_RACK_H

#include "base/fork_table.h"
#include "heap/depot.h"

enum { RACKS = 64 };

/* 64; another number for who compares. */
extern HIDDEN uint64_t rack_after;

/* Of one processor; `lock` guards the rest. */
struct rack {
	struct lock lock;
	struct depot depot;
	uint64_t hits, waits; /* for the lock */
} __attribute__((aligned(64)));

/* filled: which racks are not empty, a hint for who finds his own empty. */
struct racks {
	uint64_t filled;
	struct rack of[RACKS];
};

struct rack_sum {
	uint64_t objects, hits, waits;
};

/* NULL when memory is out. */
struct racks *rack_new(void);

/*
 * A full stack, in exchange for an empty magazine, or for NULL; and an empty
 * magazine for a full free side of a class's `fill` objects.  NULL: there is
 * none, there is no room, or *in_use is not NULL no more.
 */
void **rack_take(struct racks **in_use, struct magazine *empty);
struct magazine *rack_put(struct racks **in_use, void **top, unsigned fill);

/* A stack from any of them, for who empties them all; NULL: all are empty. */
void **rack_empty(struct racks *racks);

/* That of the processor which this thread runs on. */
struct rack *rack_here(struct racks *racks);

/* What lies there now. */
struct rack_sum rack_sum(const struct racks *racks);

/* All locks, for fork and for who wants them to stand still. */
void rack_act(struct racks *racks, enum fork_act act);

/* In a child: leaks what a lost holder was changing. */
void rack_adopt(struct racks *racks);

#endif
