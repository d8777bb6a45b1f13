/*
 * fixed_center_calls.h - calls that the fast path could not serve.
 *
 * A thread of a locked pool takes the shard that it found free last; where
 * that is held, it moves on to the next one.
 */
#ifndef POOL_FIXED_CENTER_CALLS_H
#define POOL_FIXED_CENTER_CALLS_H

#include "pool/fixed_center.h"

/* NULL with ENOMEM, and counts that. */
void *center_fail(struct center *c);

/* An object of the class; NULL with ENOMEM.  The fast path failed. */
void *center_alloc(struct center *c, unsigned class);
void center_free(struct center *c, unsigned class, void *object);

/* A pool that is NULL: ends the program, unless `object` is NULL as well. */
void center_free_nowhere(const void *object);

/* Empties all stacks that the caller may touch; with the depots. */
void center_flush(struct center *c);
size_t center_trim(struct center *c);

#endif
