/* SPDX-License-Identifier: MIT */
/*
 * registry.h - all thread caches of the process.
 */
#ifndef HEAP_REGISTRY_H
#define HEAP_REGISTRY_H

#include "base/fork_table.h"
#include "base/list.h"

struct cache;

/* By their `link`.  Owner: the registry's lock; see layout.h. */
extern HIDDEN struct list registry;

/* A cache that is listed, or not, already: nothing happens. */
void registry_add(struct cache *cache);
void registry_remove(struct cache *cache);

/*
 * Calls `visit` for each cache, under the registry's lock.  The caches'
 * owners go on running.
 */
void registry_walk(void (*visit)(struct cache *, void *), void *data);

/* In a child: only `self` (or nobody, NULL) is left, and the lock is free. */
void registry_reset(struct cache *self);

void registry_fork(struct fork_table *t);

#endif
