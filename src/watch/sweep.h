/* SPDX-License-Identifier: MIT */
/*
 * sweep.h - pages that children left without a word.
 */
#ifndef WATCH_SWEEP_H
#define WATCH_SWEEP_H

#include <sys/types.h>

#include "base/common.h"

enum { SWEEP_KEPT_MOST = 8 };

/*
 * Removes pages that no process holds any more, and whose names differ from
 * `path` in the number `id` alone, but for the newest `kept` of them,
 * SWEEP_KEPT_MOST at most: what a child that crashed held is to be seen for a
 * while.  One caller at a time; no cancellation point, no allocation.
 */
void sweep(const char *path, pid_t id, unsigned kept);

#endif
