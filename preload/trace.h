/* SPDX-License-Identifier: MIT */
/*
 * trace.h - has every call logged.
 */
#ifndef PRELOAD_TRACE_H
#define PRELOAD_TRACE_H

/*
 * The pools decline every request from now on, so that all come through the
 * next allocator's table, and are logged there.  Called once, at start.
 */
void trace_next(void);

#endif
