/* SPDX-License-Identifier: MIT */
/*
 * check.h - walks every invariant of the heap; fault() names a broken one.
 */
#ifndef HEAP_CHECK_H
#define HEAP_CHECK_H

#include "heap/cache.h"
#include "heap/central.h"

/*
 * Looks for what has been freed twice among the objects that circulate: in the
 * depot and in the caller's own magazines.  As fast as a walk over them can
 * be; nothing else is checked.  Caller holds the lock.
 */
void central_look(struct central *k, const struct side *own);

/* One class, without any thread's magazines.  Caller holds the lock. */
void central_check(struct central *k);

/* All of it, and the caller's own magazines.  Takes the locks. */
void heap_check(void);

#endif
