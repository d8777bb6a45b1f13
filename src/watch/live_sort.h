/* SPDX-License-Identifier: MIT */
/*
 * live_sort.h - puts samples in order, without memory of its own.
 */
#ifndef WATCH_LIVE_SORT_H
#define WATCH_LIVE_SORT_H

#include "watch/live.h"

void live_sort_by_address(struct live *samples, size_t count);
void live_sort_by_site(struct live *samples, size_t count);

/* By mark, thread and age. */
void live_sort_by_kind(struct live *samples, size_t count);

#endif
