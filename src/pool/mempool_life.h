/* SPDX-License-Identifier: MIT */
/*
 * mempool_life.h - what the parts of the mempool ask of its life.
 */
#ifndef POOL_MEMPOOL_LIFE_H
#define POOL_MEMPOOL_LIFE_H

#include "pool/mempool_inside.h"
#include "pool/start.h"

/*
 * NULL: `pool` is NULL, or zeros.  Ends the program when it was destroyed, as
 * far as what is left of it tells.
 */
struct mempool_inside *inside_of_pool(const mempool_t *pool);

/* Has all pools look again whether faults are injected. */
void life_refresh_all(void);

#endif
