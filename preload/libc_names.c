/* SPDX-License-Identifier: MIT */
/*
 * libc_names.c - glibc's second names of the family, `__libc_malloc` and kin.
 *
 * A program that wraps malloc and free alone hands on to these, and gets
 * everything else from us: so they must know our pointers and give such.
 *
 * A library behind us may wrap malloc and free over them as well.  No way back
 * (next.h): what the pools do not serve goes to the function of the same name
 * behind us, not to the next allocator's malloc, which may be the caller.  When
 * both are one library's, there is nothing to tell apart.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/sys.h"
#include "heap/cache.h"
#include "heap/slab.h"
#include "next.h"
#include "next_symbol.h"

EXPORT void *__libc_malloc(size_t size);
EXPORT void __libc_free(void *p);
EXPORT void *__libc_calloc(size_t n, size_t size);
EXPORT void *__libc_realloc(void *p, size_t size);
EXPORT void *__libc_memalign(size_t alignment, size_t size);
EXPORT void *__libc_valloc(size_t size);
EXPORT void *__libc_pvalloc(size_t size);

struct names {
	void *(*malloc)(size_t size);
	void (*free)(void *p);
	void *(*calloc)(size_t n, size_t size);
	void *(*realloc)(void *p, size_t size);
	void *(*memalign)(size_t alignment, size_t size);
};

/* Those behind us, or ours where they are the next allocator's anyway. */
static RARE const struct names *behind(void)
{
	static const struct names *known;
	static struct names found;
	const struct names *names = __atomic_load_n(&known, __ATOMIC_ACQUIRE);
	void *theirs;

	if (likely(names))
		return names;
	theirs = next_symbol("__libc_malloc");
	if (theirs &&
	    next_library(theirs) != next_library(next_symbol("malloc"))) {
		*(void **)&found.malloc = theirs;
		*(void **)&found.free = next_symbol("__libc_free");
		*(void **)&found.calloc = next_symbol("__libc_calloc");
		*(void **)&found.realloc = next_symbol("__libc_realloc");
		*(void **)&found.memalign = next_symbol("__libc_memalign");
	} else {
		found.malloc = malloc;
		found.free = free;
		found.calloc = calloc;
		found.realloc = realloc;
		found.memalign = memalign;
	}
	__atomic_store_n(&known, &found, __ATOMIC_RELEASE);
	return &found;
}

EXPORT RARE void *__libc_malloc(size_t size)
{
	void *p = NULL;

	if (size <= SMALL_MAX && !cache_pop(size, &p))
		p = cache_alloc_slow(size);
	return p ? p : behind()->malloc(size);
}

EXPORT RARE void __libc_free(void *p)
{
	if (slab_class_of(p))
		free(p);
	else
		behind()->free(p);
}

EXPORT RARE void *__libc_calloc(size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total) || total > SMALL_MAX)
		return behind()->calloc(n, size);
	return calloc(n, size);
}

EXPORT RARE void *__libc_realloc(void *p, size_t size)
{
	if (!p)
		return __libc_malloc(size);
	return slab_class_of(p) ? realloc(p, size) : behind()->realloc(p, size);
}

EXPORT RARE void *__libc_memalign(size_t alignment, size_t size)
{
	return behind()->memalign(alignment, size);
}

EXPORT RARE void *__libc_valloc(size_t size)
{
	return __libc_memalign(sys_page(), size);
}

EXPORT RARE void *__libc_pvalloc(size_t size)
{
	if (size > PTRDIFF_MAX - sys_page()) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_memalign(sys_page(), round_up(size, sys_page()));
}
