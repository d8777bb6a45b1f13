/* SPDX-License-Identifier: MIT */
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

/*
 * An object of the class from the fronts of a single or thread-local pool, or
 * the stock; NULL: none is free, and memory is out.
 */
void *center_refill(struct center *c, unsigned class);

/* An object of the class; NULL with ENOMEM.  The fast path failed. */
void *center_alloc(struct center *c, unsigned class);
void center_free(struct center *c, unsigned class, void *object);

/*
 * The same for several objects of a pool of one class; `count` is not 0.
 * False: fewer are to be had, none is taken, and all slots are NULL.
 */
bool center_alloc_bulk(struct center *c, void **objects, size_t count);

/* NULL among them is passed over. */
void center_free_bulk(struct center *c, void *const *objects, size_t count);

/* A pool that is NULL: ends the program, unless `object` is NULL as well. */
void center_free_nowhere(const void *object);

/* Empties all stacks that the caller may touch; with the depots. */
void center_flush(struct center *c);
size_t center_trim(struct center *c);

#endif
