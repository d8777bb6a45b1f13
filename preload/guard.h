/* SPDX-License-Identifier: MIT */
/*
 * guard.h - gives sampled requests a guarded object.
 */
#ifndef PRELOAD_GUARD_H
#define PRELOAD_GUARD_H

#include "base/common.h"

/*
 * As config.guard asks.  Called once, at start, before what is put over the
 * table of next.h then; allocates.
 */
void guard_next(void);

/* Whether the request that is on its way down the table shall be guarded. */
void guard_want(bool wanted);

#endif
