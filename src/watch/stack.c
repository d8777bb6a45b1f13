/*
 * stack.c - the call stack of the caller.
 */
#include "watch/stack.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <signal.h>

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
	uintptr_t frames[STACK_ROOM];
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

static bool is_own(uintptr_t address)
{
	return address - own_start < own_end - own_start;
}

/*
 * Handlers' stacks may be small: 8 KiB is usual, a signal takes 3 of it on
 * machines with wide registers, and the unwinder 4.
 */
static bool has_room(void)
{
	enum { ROOM = 6 << 10, PAGE = 4 << 10 };
	static __thread uintptr_t roomy /* a page of a stack without an end */
		__attribute__((tls_model("initial-exec")));
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	stack_t s;

	if (likely(here / PAGE == roomy))
		return true;
	if (sigaltstack(NULL, &s) == 0 && s.ss_flags & SS_ONSTACK)
		return here - (uintptr_t)s.ss_sp >= ROOM;
	roomy = here / PAGE;
	return true;
}

unsigned stack_capture(uintptr_t frames[STACK_ROOM])
{
	int saved = errno, count, first = 0;
	unsigned kept = 0;

	if (!unwind || !has_room())
		return 0;
	count = unwind((void **)frames, STACK_ROOM);
	while (first < count && is_own(frames[first]))
		first++;
	while (first < count && kept < STACK_DEPTH && frames[first])
		frames[kept++] = frames[first++];
	errno = saved;
	return kept;
}
