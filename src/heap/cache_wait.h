/* SPDX-License-Identifier: MIT */
/*
 * cache_wait.h - waiting for an object: MPOOL_WAIT.
 */
#ifndef HEAP_CACHE_WAIT_H
#define HEAP_CACHE_WAIT_H

#include "base/common.h"

/*
 * How long who finds an object stays behind those who were handed one and have
 * not gone on with it: 10; another number for who tests.
 */
extern HIDDEN unsigned cache_behind_ms;

/*
 * For who got NULL from cache_alloc_slow() and would rather wait, for up to
 * config.wait_ms, than be refused.  `other` asks another allocator: at first,
 * now and then, and once more before the answer is NULL.
 */
void *cache_alloc_waiting(size_t size, void *(*other)(void *), void *arg);

#endif
