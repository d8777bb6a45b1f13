/*
 * aligned.h - aligned requests of the next allocator, by name.
 */
#ifndef PRELOAD_ALIGNED_H
#define PRELOAD_ALIGNED_H

#include "next.h"

/* Finds the three names; what calls them is for the table of next.h. */
aligned_function *aligned_find(void);

/*
 * The next allocator is `library`, not glibc's: what it lacks is asked from it
 * by another name, and what it asks for itself comes from itself.
 */
void aligned_suit(const void *library);

#endif
