/*
 * next.h - the allocator behind us: what dlsym(RTLD_NEXT) finds.
 *
 * glibc's as a rule; another preloaded one, or one that the program itself
 * brings (redis and jemalloc).  What is not ours goes there, never past it.
 */
#ifndef PRELOAD_NEXT_H
#define PRELOAD_NEXT_H

#include <malloc.h>
#include <stddef.h>
#include <stdio.h>

#include "base/common.h"

/*
 * The functions that every program calls.  Each starts as a stub that
 * resolves the whole table and calls on, so no path has a test for "ready".
 */
struct next {
	void *(*malloc)(size_t size);
	void (*free)(void *p);
	void *(*calloc)(size_t n, size_t size);
	void *(*realloc)(void *p, size_t size);
	void *(*memalign)(size_t alignment, size_t size);
	size_t (*usable_size)(void *p);
};

extern HIDDEN struct next next;

/*
 * From now on, calls to the table go to `over`; *below becomes what it was
 * before.  At once, or when the table is resolved.
 */
void next_wrap(const struct next *over, struct next *below);

/* From now on, calls to the table are counted (watch/forwarded.h). */
void next_count(void);

/* A function that the next allocator may lack: NULL then.  Slow. */
void *next_symbol(const char *name);

#endif
