/* SPDX-License-Identifier: MIT */
/*
 * orphan.h - whether this process is a child that nobody announced.
 *
 * _Fork and raw clone run no handlers: such a child inherits locks that nobody
 * will release, tables in the middle of a change, and shared mappings that are
 * its parent's to write to.  What records and traces asks here first, and
 * leaves everything alone.  As lock_orphaned(), which the heap adopts by.
 */
#ifndef WATCH_ORPHAN_H
#define WATCH_ORPHAN_H

#include "base/common.h"

/* 1 in the process that set it, wiped to 0 in its children; NULL: unknown. */
extern HIDDEN uint32_t *orphan_mark;

/* Once, at start. */
void orphan_start(void);

/* In a child whose fork was announced. */
void orphan_announced(void);

static inline bool is_orphan(void)
{
	return orphan_mark &&
	       unlikely(!__atomic_load_n(orphan_mark, __ATOMIC_RELAXED));
}

#endif
