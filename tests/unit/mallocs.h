/* SPDX-License-Identifier: MIT */
/*
 * mallocs.h - a malloc() that counts, and fails when a test wants it to.
 *
 * A program's own definitions come first.  Under AddressSanitizer and
 * ThreadSanitizer they are the tool's; see need_mallocs().  One file of a
 * program includes this.
 */
#ifndef UNIT_MALLOCS_H
#define UNIT_MALLOCS_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>

#include "unit/limits.h"

static struct {
	long mallocs, callocs, reallocs, frees;
	long malloc_most, calloc_most, realloc_most; /* more than those fail */
} calls = { .malloc_most = LONG_MAX,
	    .calloc_most = LONG_MAX,
	    .realloc_most = LONG_MAX };

#if !LIMITS_SANITIZED

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void __libc_free(void *p);

static bool refuses(long *count, long most)
{
	if (__atomic_add_fetch(count, 1, __ATOMIC_RELAXED) <= most)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return refuses(&calls.mallocs, calls.malloc_most) ? NULL
							  : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return refuses(&calls.callocs, calls.calloc_most)
		       ? NULL
		       : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return refuses(&calls.reallocs, calls.realloc_most)
		       ? NULL
		       : __libc_realloc(p, size);
}

void free(void *p)
{
	__atomic_add_fetch(&calls.frees, p != NULL, __ATOMIC_RELAXED);
	__libc_free(p);
}

#endif

static inline void allow_mallocs(long most)
{
	calls.malloc_most = calls.calloc_most = calls.realloc_most = most;
}

static inline void need_mallocs(void)
{
	if (LIMITS_SANITIZED)
		apart_skip("malloc() is the sanitizer's");
}

#endif
