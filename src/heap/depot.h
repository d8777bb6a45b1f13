/* SPDX-License-Identifier: MIT */
/*
 * depot.h - full and empty magazines of a class, shared by all threads.
 *
 * A thread that runs dry takes a magazine here; one that overflows leaves
 * one.  Only an empty depot goes down to the slabs.  After Bonwick and Adams,
 * "Magazines and Vmem", USENIX 2001.
 *
 * Kept small: a deep depot hands out objects that lie on many pages.  Eight
 * is what a burst of 1000 frees fills; of a class that lies mostly idle, none,
 * for each of its last objects may hold back a page.  Of the largest objects a
 * side has so few that several of them share a magazine here: a burst fits, and
 * a thread comes less often.  Guarded by the class's lock.
 */
#ifndef HEAP_DEPOT_H
#define HEAP_DEPOT_H

#include <string.h>

#include "heap/magazine.h"

enum {
	DEPOT_MAGAZINES = 8,
	DEPOT_EMPTIES = 8,
	DEPOT_SHARED = 16, /* objects of several sides in a magazine */
};

/* full[i] is a stack of magazine_of(full[i])->count objects, 1..127. */
struct depot {
	unsigned fulls, empties;
	void **full[DEPOT_MAGAZINES];
	struct magazine *empty[DEPOT_EMPTIES];
	size_t objects;
};

/* Under the lock; who sums up many depots reads without (rack.h). */
static inline void depot_count(size_t *counter, size_t more)
{
	__atomic_store_n(counter, *counter + more, __ATOMIC_RELAXED);
}

/* Leaves a stack that is not empty.  Fewer than DEPOT_MAGAZINES are there. */
static inline void depot_put(struct depot *depot, void **top)
{
	struct magazine *m = magazine_of(top);

	m->count = magazine_count(top);
	depot_count(&depot->objects, m->count);
	depot->full[depot->fulls++] = top;
}

/*
 * The `n` objects at `top` join the stack left last.  False: they would be too
 * many together.  Else their magazine is empty, and the caller's.
 */
static inline bool depot_join(struct depot *depot, void **top, size_t n)
{
	struct magazine *last;

	if (!depot->fulls)
		return false;
	last = magazine_of(depot->full[depot->fulls - 1]);
	if (last->count + n > DEPOT_SHARED)
		return false;
	depot->full[depot->fulls - 1] -= n;
	memcpy(depot->full[depot->fulls - 1], top, n * sizeof(*top));
	last->count += n;
	depot_count(&depot->objects, n);
	return true;
}

/* The stack left last; NULL when there is none. */
static inline void **depot_take(struct depot *depot)
{
	void **top;

	if (!depot->fulls)
		return NULL;
	top = depot->full[--depot->fulls];
	depot_count(&depot->objects, -magazine_of(top)->count);
	return top;
}

/* The stack left first; the depot is not empty. */
static inline void **depot_take_oldest(struct depot *depot)
{
	void **top = depot->full[0];

	depot_count(&depot->objects, -magazine_of(top)->count);
	depot->fulls--;
	for (unsigned i = 0; i < depot->fulls; i++)
		depot->full[i] = depot->full[i + 1];
	return top;
}

/* An empty magazine; NULL when memory is out. */
static inline struct magazine *depot_take_empty(struct depot *depot)
{
	if (depot->empties)
		return depot->empty[--depot->empties];
	return magazine_new();
}

static inline void depot_put_empty(struct depot *depot, struct magazine *m)
{
	if (depot->empties < DEPOT_EMPTIES)
		depot->empty[depot->empties++] = m;
	else
		magazine_free(m);
}

#endif
