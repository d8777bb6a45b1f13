/* SPDX-License-Identifier: MIT */
/*
 * hard_alone.h - large objects of the hardened heap, each in units of its own.
 */
#ifndef HEAP_HARD_ALONE_H
#define HEAP_HARD_ALONE_H

#include "heap/hard_count.h"
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

/* Looks at it.  False: for walks. */
bool alone_check(const struct unit *u);

/* Of objects up to alone_most[i] bytes. */
enum { ALONE_ROWS = 5 };
extern HIDDEN struct hard_count alone_served[ALONE_ROWS];
extern HIDDEN const size_t alone_most[ALONE_ROWS];

#endif
