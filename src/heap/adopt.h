/* SPDX-License-Identifier: MIT */
/*
 * adopt.h - the heap in a child whose fork nobody announced.
 */
#ifndef HEAP_ADOPT_H
#define HEAP_ADOPT_H

#include "base/lock.h"

/* Under it the heap starts: heap.c. */
extern HIDDEN struct lock heap_start_lock;

/*
 * Breaks the locks that the child inherited and leaks what they guarded.  Once
 * a process: see lock_orphaned().
 */
void heap_adopt(void);

/* A hook: the same for what is beside the pools. */
void heap_adopted(void) __attribute__((weak));

#endif
