/* SPDX-License-Identifier: MIT */
/*
 * next_aligned.h - aligned requests of the allocator behind us, by name.
 */
#ifndef PRELOAD_NEXT_ALIGNED_H
#define PRELOAD_NEXT_ALIGNED_H

#include "next.h"

/* Finds the three names; what calls them is for the table of next.h. */
aligned_function *next_aligned_find(void);

/*
 * The next allocator is `library`, not glibc's: what it lacks is asked from it
 * by another name, and what it asks for itself comes from itself.
 */
void next_aligned_suit(const void *library);

/*
 * Where the next allocator's code lies, if it is not glibc's.  Its own aligned
 * operator new may call aligned_alloc by name, and its operator delete take
 * what came for its own (jemalloc 5.3.1): what it asks for itself is its.
 */
extern HIDDEN struct next_aligned_code {
	uintptr_t start;
	size_t bytes;
} next_aligned_code;

static inline bool next_aligned_is_caller(const void *caller)
{
	return (uintptr_t)caller - next_aligned_code.start <
	       next_aligned_code.bytes;
}

#endif
