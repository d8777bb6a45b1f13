/* SPDX-License-Identifier: MIT */
/*
 * occasion.h - has something done when a signal comes, when the page asks for
 * it, and again and again.
 */
#ifndef WATCH_OCCASION_H
#define WATCH_OCCASION_H

#include "base/common.h"

/* The thread's name; it handles config.stats_signal when sent to it alone. */
#define OCCASION_THREAD "mpool-stats"

/* How many threads are ours but for the caller: 1 or none. */
size_t occasion_others(void);

/* Whether config.stats_signal or config.stats_interval_s asks for it. */
bool occasion_wanted(void);

/*
 * What the thread is to do: `act`, once for all signals that have come by then.
 * Now and then, at least each second, it looks whether it is the last thread of
 * the process, and then ends it, and calls `now_and_then`.
 */
void occasion_by(void (*act)(void), void (*now_and_then)(void),
		 bool (*is_deserted)(void));

/*
 * Installs the signal's handler and starts the thread.  In a new child: once
 * more.  Returns 0, or the errno for which there is no thread.  Allocates.
 */
int occasion_start(void);

/*
 * Has the thread call `now_and_then` at once, and starts it if there is none.
 * Returns 0 or an errno.  One caller at a time, in any malloc; allocates.
 */
int occasion_call(void);

/* In a new child: the thread is the parent's. */
void occasion_fork_child(void);

#endif
