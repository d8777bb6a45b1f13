/*
 * mempool_life.h - what the parts of the mempool ask of its life.
 */
#ifndef POOL_MEMPOOL_LIFE_H
#define POOL_MEMPOOL_LIFE_H

#include "mempool/reserve.h"
#include "pool/start.h"

/* Has all pools look again whether faults are injected. */
void life_refresh_all(void);

#endif
