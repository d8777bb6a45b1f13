/* SPDX-License-Identifier: MIT */
/*
 * guard_pages.c - pages that nobody may touch, within one mapping.
 */
#include "watch/guard_pages.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/sys.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif

static bool unmarked;  /* the kernel does not know marks */
static bool protected; /* some pages have been barred by mprotect */

static bool advise(uintptr_t from, uintptr_t to, int advice)
{
	int saved = errno;
	bool done = madvise((void *)from, to - from, advice) == 0;

	errno = saved;
	return done;
}

static bool protect(uintptr_t from, uintptr_t to, int protection)
{
	int saved = errno;
	bool done = mprotect((void *)from, to - from, protection) == 0;

	errno = saved;
	return done;
}

static bool mark(uintptr_t from, uintptr_t to)
{
	return !__atomic_load_n(&unmarked, __ATOMIC_RELAXED) &&
	       advise(from, to, MADV_GUARD_INSTALL);
}

bool guard_pages_bar(uintptr_t from, uintptr_t to)
{
	if (sys_still)
		return false;
	if (mark(from, to))
		return true;
	__atomic_store_n(&protected, true, __ATOMIC_RELAXED);
	sys_return((void *)from, to - from);
	return protect(from, to, PROT_NONE);
}

bool guard_pages_open(uintptr_t from, uintptr_t to)
{
	if (sys_still)
		return false;
	if (__atomic_load_n(&protected, __ATOMIC_RELAXED) &&
	    !protect(from, to, PROT_READ | PROT_WRITE))
		return false;
	return __atomic_load_n(&unmarked, __ATOMIC_RELAXED) ||
	       advise(from, to, MADV_GUARD_REMOVE);
}

void *guard_pages_map(size_t bytes)
{
	char *at = sys_map(NULL, bytes);
	uintptr_t from = (uintptr_t)at, to = from + bytes;

	if (!at)
		return NULL;
	if (!mark(from, to)) {
		unmarked = true;
		if (!guard_pages_bar(from, to)) {
			sys_unmap(at, bytes);
			return NULL;
		}
	}
	sys_name(at, bytes, "mpool guard");
	return at;
}

void guard_pages_forget_marks(void)
{
	unmarked = true;
}
