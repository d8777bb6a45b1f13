/*
 * stack.c - the call stack of the caller.
 */
#include "watch/stack.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>

enum { OWN_DEPTH = 16 }; /* frames of ours above the program's */

static int (*unwind)(void **frames, int most);

/* Addresses of this library. */
static uintptr_t own_start, own_end;

extern const char __ehdr_start[] HIDDEN;
extern const char _end[] HIDDEN;

void stack_start(void)
{
	uintptr_t frames[STACK_DEPTH];
	void *library;

	library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
	if (library)
		*(void **)&unwind = dlsym(library, "unw_backtrace");
	if (!unwind)
		unwind = backtrace;
	own_start = (uintptr_t)__ehdr_start;
	own_end = (uintptr_t)_end;
	stack_capture(frames);
}

const char *stack_unwinder(void)
{
	return unwind == backtrace ? "libgcc" : "libunwind";
}

static bool is_own(void *address)
{
	return (uintptr_t)address - own_start < own_end - own_start;
}

unsigned stack_capture(uintptr_t frames[STACK_DEPTH])
{
	void *all[OWN_DEPTH + STACK_DEPTH];
	int saved = errno, count, first = 0;
	unsigned kept = 0;

	if (!unwind)
		return 0;
	count = unwind(all, OWN_DEPTH + STACK_DEPTH);
	while (first < count && is_own(all[first]))
		first++;
	while (first < count && kept < STACK_DEPTH && all[first])
		frames[kept++] = (uintptr_t)all[first++];
	errno = saved;
	return kept;
}
