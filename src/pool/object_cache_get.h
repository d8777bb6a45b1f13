/* SPDX-License-Identifier: MIT */
/*
 * object_cache_get.h - objects of a cache: got, made and waited for.
 */
#ifndef POOL_OBJECT_CACHE_GET_H
#define POOL_OBJECT_CACHE_GET_H

#include "pool/object_cache.h"

/* What is behind the object, and what verify says.  No lock is held. */
void object_cache_check_object(const struct object_cache *c,
			       const void *object);

/* It is not for users any more: tools hide it. */
void object_cache_hide(struct object_cache *c, const void *object);

/* Runs the destructor of an object that is marked busy; no lock is held. */
void object_cache_unmake(struct object_cache *c, void *object);

/*
 * Constructs one more object, live.  NULL: the constructor's errno in *error,
 * or 0 there when no more may be made or memory is out.  Holds the lock when
 * it is called and when it returns, not in between.
 */
void *object_cache_make(struct object_cache *c, int *error);

/* A busy object is raw again; who waits may try to make one. */
void object_cache_make_room(struct object_cache *c, const void *object);

#endif
