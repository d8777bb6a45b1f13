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

/* An unwinder may allocate: that allocation is not recorded. */
static __thread bool inside __attribute__((tls_model("initial-exec")));

void stack_start(void)
{
	uintptr_t frames[STACK_DEPTH];
	void *library;

	inside = true;
	library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
	if (library)
		*(void **)&unwind = dlsym(library, "unw_backtrace");
	inside = false;
	if (!unwind)
		unwind = backtrace;
	own_start = (uintptr_t)__ehdr_start;
	own_end = (uintptr_t)_end;
	stack_capture(frames);
}

bool stack_inside(void)
{
	return inside;
}

bool stack_set_inside(bool now)
{
	bool before = inside;

	inside = now;
	return before;
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

	if (inside || !unwind)
		return 0;
	inside = true;
	count = unwind(all, OWN_DEPTH + STACK_DEPTH);
	inside = false;
	while (first < count && is_own(all[first]))
		first++;
	while (first < count && kept < STACK_DEPTH && all[first])
		frames[kept++] = (uintptr_t)all[first++];
	errno = saved;
	return kept;
}
