/* SPDX-License-Identifier: MIT */
/*
 * hard_trim.h - gives free memory of the hardened heap back to the kernel.
 */
#ifndef HEAP_HARD_TRIM_H
#define HEAP_HARD_TRIM_H

#include "heap/hard_unit.h"

/*
 * Pages of a unit that no object lies on; whether there were any.  Caller holds
 * the lock of its arena.
 */
bool trim_unit(const struct unit *u);

#endif
