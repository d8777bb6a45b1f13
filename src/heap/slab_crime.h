/* SPDX-License-Identifier: MIT */
/*
 * slab_crime.h - names what is wrong with a freed address.
 */
#ifndef HEAP_SLAB_CRIME_H
#define HEAP_SLAB_CRIME_H

#include "heap/space.h"

/* Names what is wrong with a freed address of class `c`, and aborts. */
_Noreturn void slab_crime(unsigned c, const void *p);

/*
 * The same of one that comes to light among `count` freed objects, the last
 * freed first: unless it is the only one, whoever is at work is not to blame.
 */
_Noreturn void slab_crime_late(unsigned c, const void *p, void *const *objects,
			       size_t count);

/* The same of an address in the window where no object is. */
_Noreturn void slab_stray(const void *p);

/* Of no class: it is somebody else's, or the program ends. */
static inline void slab_must_be_foreign(const void *p)
{
	if (unlikely(space_slab_of(p) < WINDOW_SLABS) && space_strays(p))
		slab_stray(p);
}

#endif
