/* SPDX-License-Identifier: MIT */
/*
 * record.h - has samples of what the next allocator serves recorded, and
 * guarded.
 */
#ifndef PRELOAD_RECORD_H
#define PRELOAD_RECORD_H

/*
 * As config.sample, config.leaks and config.guard ask.  Called once, at start;
 * allocates.
 */
void record_next(void);

/* Has the page asked for it; called once, at start. */
void record_later(void);

#endif
