/* SPDX-License-Identifier: MIT */
/*
 * start.h - the library's start, for whoever comes first.
 */
#ifndef POOL_START_H
#define POOL_START_H

#include "base/common.h"

/*
 * Reads the environment, prepares for fork and for the statistics at exit.
 * Called by the constructor, or by the first pool if that is earlier; any
 * thread; further calls do nothing.
 */
void start_library(void);

/* What it does, once. */
typedef void start_parts_t(void);
extern HIDDEN start_parts_t *const start_parts;

#endif
