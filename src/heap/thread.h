/* SPDX-License-Identifier: MIT */
/*
 * thread.h - a thread's cache from its first use to the thread's end.
 */
#ifndef HEAP_THREAD_H
#define HEAP_THREAD_H

#include "heap/cache.h"

/* Creates the key whose destructor empties a thread's cache.  Called once. */
bool thread_start(void);

/*
 * True when this thread has its own magazines, from now on.  Called inside a
 * slow path, without locks.
 */
bool thread_is_ready(struct cache *t);

/*
 * Empties a cache, so that its objects are in depot and slabs: the caller's
 * own, inside a slow path, or that of a thread that does not exist any more.
 */
void thread_flush(struct cache *t);

#endif
