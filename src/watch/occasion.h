/* SPDX-License-Identifier: MIT */
/*
 * occasion.h - has something done when a signal comes, and again and again.
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
 * Installs the signal's handler and starts the thread that calls `act`, once
 * for all signals that have come by then.  Now and then, at least each second,
 * it looks whether it is the last thread of the process, and then ends it, and
 * calls `now_and_then`.  In a new child: once more.  Returns 0, or the errno
 * for which there is no thread.  Allocates.
 */
int occasion_start(void (*act)(void), void (*now_and_then)(void),
		   bool (*is_deserted)(void));

#endif
