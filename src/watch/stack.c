/*
 * stack.c - the call stack of the caller.
 */
#include "watch/stack.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <link.h>

enum { OWN_DEPTH = 16 }; /* frames of ours above the program's */

static int (*unwind)(void **frames, int most);

/* Libraries that were loaded and are no more, before anything was unwound. */
static unsigned long long unloaded_at_start;

/* Addresses of this library. */
static uintptr_t own_start, own_end;

extern const char __ehdr_start[] HIDDEN;
extern const char _end[] HIDDEN;

static int read_unloaded(struct dl_phdr_info *info, size_t size, void *count)
{
	(void)size;
	*(unsigned long long *)count = info->dlpi_subs;
	return 1;
}

void stack_start(void)
{
	uintptr_t frames[STACK_DEPTH];
	void *library;

	dl_iterate_phdr(read_unloaded, &unloaded_at_start);
	library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
	if (library)
		*(void **)&unwind = dlsym(library, "unw_backtrace");
	if (!unwind)
		unwind = backtrace;
	own_start = (uintptr_t)__ehdr_start;
	own_end = (uintptr_t)_end;
	stack_capture(frames);
}

void stack_library_closed(void)
{
	unsigned long long count = 0;
	void *frames[1];

	if (unwind == backtrace)
		return;
	dl_iterate_phdr(read_unloaded, &count);
	if (count <= unloaded_at_start)
		return;
	backtrace(frames, 1); /* the first time it loads libgcc */
	__atomic_store_n(&unwind, backtrace, __ATOMIC_RELAXED);
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
