/*
 * wide.h - requests beyond 128 bytes that the pools serve: MPOOL_SMALL_MAX.
 */
#ifndef PRELOAD_WIDE_H
#define PRELOAD_WIDE_H

#include <stddef.h>

/* From now on, requests up to class_border are the pools'.  Once, at start. */
void wide_start(void);

/*
 * A pooled object of `old` bytes moves, when there is no object at hand and
 * time to look whether `p` is one that is free.  What malloc gives may be
 * another allocator's.  Nowhere to go: a smaller size stays where it is, a
 * larger one is NULL.
 */
void *realloc_slow(void *p, size_t old, size_t size);

/* A pooled object of `old` bytes moves to a wide class where that is served. */
void *realloc_up(void *p, size_t old, size_t size);

/* realloc of an object of a wide class, of `old` bytes. */
void *wide_realloc(void *p, size_t old, size_t size);

#endif
