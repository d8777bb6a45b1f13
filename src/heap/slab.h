/* SPDX-License-Identifier: MIT */
/*
 * slab.h - the slabs of one class: which objects are free.
 */
#ifndef HEAP_SLAB_H
#define HEAP_SLAB_H

#include "heap/class.h"
#include "heap/part.h"
#include "heap/space.h"

/*
 * All slabs of one class.  Owner: the class's lock in central.c.
 *
 * free_objects is the sum of the slabs' free counts; a slab is on the list
 * exactly when it has a free object.
 */
struct slabs {
	unsigned c;
	bool hidden;	  /* see slab_hide() */
	uint32_t first;	  /* list of slabs with free objects; or NO_SLAB */
	uint32_t lacking; /* bytes of slabs in part (part.h) */
	size_t count;
	size_t capacity; /* objects, of all these slabs */
	size_t free_objects;
	size_t low_water;     /* free objects below this: one more slab */
	size_t purged_pages;  /* pages given back inside slabs in use */
	size_t used_at_purge; /* used objects then, or the most since */
	uint64_t returned_bytes;
};

/* Prepares the record memory.  False: no address space. */
bool slab_start(void);

void slab_init(struct slabs *slabs, unsigned c, size_t low_water);

/*
 * The first slab of a class, as much of it as `count` objects need.  Class
 * after class: then that of an odd one lies next to that of the even one above,
 * and is as long.  Caller holds the class's lock.
 */
void slab_begin(struct slabs *slabs, size_t count);

/*
 * Moves up to `want` free objects into objects[0..], lowest address of a slab
 * first.  Returns how many; fewer than `want` only when memory is out.
 * Afterwards the stock is at or above the low-water mark, unless the source
 * refused.  Caller holds the class's lock; may map memory.
 */
size_t slab_take(struct slabs *slabs, void **objects, size_t want);

/*
 * Takes objects of the class back.  A slab that is wholly free goes back to
 * the space, as long as the low-water mark is kept.  An object that is free
 * already, or no object at all, ends the program.  Caller holds the lock.
 */
void slab_give(struct slabs *slabs, void *const *objects, size_t count);

/*
 * Takes the class out of the map that the fast path of free reads, or puts it
 * back: while hidden, every free of one of its objects takes the slow path.
 * Caller holds the lock.
 */
void slab_hide(struct slabs *slabs, bool hidden);

/* Class of the slab around `p`, hidden or not; 0: none.  Any thread. */
unsigned slab_class_of(const void *p);

static inline bool slab_is_hidden(const void *p)
{
	return !space_place_of(p) && slab_class_of(p);
}

/* Bytes of the object at `p`; 0: of no class, or hidden.  Any thread. */
static inline size_t slab_size_of(const void *p)
{
	return class_size((unsigned)space_place_of(p) / PLACES);
}

/* Gives wholly free slabs back even below the low-water mark. */
void slab_trim(struct slabs *slabs);

/* Objects that are marked used.  Caller holds the lock. */
static inline size_t slab_used(const struct slabs *slabs)
{
	return slabs->capacity - slabs->free_objects;
}

/*
 * True when most of the slabs' memory lies idle: free, and not given back.
 */
bool slab_is_sparse(const struct slabs *slabs);

#endif
