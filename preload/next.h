/* SPDX-License-Identifier: MIT */
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
#include "base/fork_table.h"

/* Which function was called: it goes on to its namesake; aligned ones first. */
enum next_name {
	MEMALIGN,
	ALIGNED_ALLOC,
	POSIX_MEMALIGN,
	ALIGNED_NAMES,
	NEXT_MALLOC = ALIGNED_NAMES,
	NEXT_CALLOC,
	NEXT_REALLOC
};

/* NULL with errno, of posix_memalign too. */
typedef void *aligned_function(enum next_name name, size_t alignment,
			       size_t size);

/*
 * The functions that every program calls.  Each starts as a stub that
 * resolves the whole table and calls on, so no path has a test for "ready".
 *
 * No way back: the next allocator's functions may call one another by name,
 * and then come through us.  What is not ours goes to the function of the same
 * name, never to another, so they end where they would without us.
 */
struct next {
	void *(*malloc)(size_t size);
	void (*free)(void *p);
	void *(*calloc)(size_t n, size_t size);
	void *(*realloc)(void *p, size_t size);
	aligned_function *aligned;
	size_t (*usable_size)(void *p);
};

extern HIDDEN struct next next;

/* A request by name; the alignment is that of aligned ones. */
struct next_request {
	enum next_name name;
	size_t alignment, size;
};

/* What the table's function of that name gives. */
void *next_ask(const struct next *table, const struct next_request *r);

/*
 * Where malloc's requests beyond `above` bytes go, and others beyond SMALL_MAX;
 * realloc is that of NULL.  These are the functions of `next`, until wide.c
 * takes them for good; then `above` is 0.
 */
extern HIDDEN struct beyond {
	size_t above;
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t n, size_t size);
	void *(*realloc)(void *p, size_t size);
} beyond;
void next_take_beyond(const struct beyond *wide);

/*
 * From now on, calls to the table go to `over`, but for its NULLs; *below
 * becomes what it was before.  At once, or when the table is resolved.  Any
 * thread.
 */
void next_wrap(const struct next *over, struct next *below);
void next_fork(struct fork_table *t);

/* glibc's own, past what is put over it, when that is next; or NULL. */
extern HIDDEN void *(*next_glibc_malloc)(size_t size);
extern HIDDEN void (*next_glibc_free)(void *p);

/*
 * A request, none of whose class is in the thread's cache: the pools', else
 * what the next allocator's function gives; if that is NULL, an object of the
 * reserve, or what is waited for; and errno when there is none.
 */
void *next_alloc_slow(enum next_name name, size_t alignment, size_t size);

/* The same of calloc: what comes is cleared, all of it. */
void *next_calloc_slow(size_t size);

#endif
