/* SPDX-License-Identifier: MIT */
/*
 * hard_alone.h - large objects of the hardened heap, each in units of its own.
 */
#ifndef HEAP_HARD_ALONE_H
#define HEAP_HARD_ALONE_H

#include "heap/hard_unit.h"

/* Zeroed.  Caller holds the lock of the units, here and below. */
void *alone_alloc(size_t size, size_t alignment);

/* `u` is the unit of `p`; what is no object ends the program. */
void alone_free(struct unit *u, const char *p);
size_t alone_size(const struct unit *u, const char *p);

/*
 * Where the object is now, its pages moved if need be; NULL: unchanged.  The
 * new size is one for which objects lie alone.
 */
void *alone_resize(struct unit *u, char *p, size_t size);

struct hard_sum;
void alone_add(const struct unit *u, struct hard_sum *sum);
void alone_check(const struct unit *u, struct hard_sum *unused);

#endif
