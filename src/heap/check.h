/*
 * check.h - walks every invariant of the heap; fault() names a broken one.
 */
#ifndef HEAP_CHECK_H
#define HEAP_CHECK_H

#include "heap/central.h"

/* One class, without any thread's magazines.  Caller holds the lock. */
void central_check(struct central *k);

/* All of it, and the caller's own magazines.  Takes the locks. */
void heap_check(void);

#endif
