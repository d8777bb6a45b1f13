/* SPDX-License-Identifier: MIT */
/*
 * rare.c - the entries that not every allocator has.
 *
 * Another allocator may stand before us in LD_PRELOAD, or valgrind may have
 * put itself in our place, and know realloc and free but not these.  So
 * what is not ours goes to the realloc and free that the program itself
 * would call.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "base/common.h"
#include "base/sys.h"
#include "heap/hard.h"
#include "heap/slab.h"
#include "rare.h"

EXPORT void *reallocarray(void *p, size_t n, size_t size);
EXPORT void free_sized(void *p, size_t size);
EXPORT void free_aligned_sized(void *p, size_t alignment, size_t size);
EXPORT void cfree(void *p);
EXPORT void *pvalloc(size_t size); /* glibc declares it for C++ alone */

typedef void *realloc_function(void *p, size_t size);
typedef void free_function(void *p);
typedef int memalign_function(void **p, size_t alignment, size_t size);

/* The first in line, by name; asked once. */
static void *first_in_line(void **known, const char *name)
{
	void *found = __atomic_load_n(known, __ATOMIC_RELAXED);

	if (unlikely(!found)) {
		found = dlsym(RTLD_DEFAULT, name);
		__atomic_store_n(known, found, __ATOMIC_RELAXED);
	}
	return found;
}

RARE void free_first(void *p)
{
	static void *known;
	free_function *first;

	if (slab_class_of(p)) {
		free(p);
		return;
	}
	*(void **)&first = first_in_line(&known, "free");
	first(p);
}

/* The pools know no sizes as they were asked for. */
static RARE void expect(const void *p, size_t size)
{
	if (hard_owns(p))
		hard_expect(p, size);
}

EXPORT RARE void free_sized(void *p, size_t size)
{
	expect(p, size);
	free_first(p);
}

EXPORT RARE void free_aligned_sized(void *p, size_t alignment, size_t size)
{
	(void)alignment;
	expect(p, size);
	free_first(p);
}

EXPORT RARE void cfree(void *p)
{
	free_first(p);
}

EXPORT void *reallocarray(void *p, size_t n, size_t size)
{
	static void *known;
	realloc_function *first;
	size_t total;

	if (unlikely(__builtin_mul_overflow(n, size, &total))) {
		errno = ENOMEM;
		return NULL;
	}
	if (slab_class_of(p))
		return realloc(p, total);
	*(void **)&first = first_in_line(&known, "realloc");
	return first(p, total);
}

static RARE void *page_aligned(size_t size)
{
	static void *known;
	memalign_function *first;
	int error;
	void *p;

	*(void **)&first = first_in_line(&known, "posix_memalign");
	error = first(&p, sys_page(), size);
	if (!error)
		return p;
	errno = error;
	return NULL;
}

EXPORT RARE void *valloc(size_t size)
{
	return page_aligned(size);
}

EXPORT RARE void *pvalloc(size_t size)
{
	if (size > PTRDIFF_MAX - sys_page()) {
		errno = ENOMEM;
		return NULL;
	}
	return page_aligned(round_up(size, sys_page()));
}
