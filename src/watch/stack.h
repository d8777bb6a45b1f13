/* SPDX-License-Identifier: MIT */
/*
 * stack.h - the call stack of the caller.
 *
 * A stack is taken in the middle of any malloc: one that ld.so makes, or a
 * callback of dl_iterate_phdr under ld.so's lock; in the thread of SIGEV_THREAD
 * timers, which has signal 32 blocked and must never lose that; in a child
 * whose parent's other threads held whatever lock; with a cancellation pending;
 * on a handler's small stack.  So on x86-64 with glibc 2.35 or newer the stack
 * is walked here (walk.h), without a lock, a descriptor or a signal mask; and
 * only as far as it is not that of the last time (route.h).
 *
 * libunwind takes a lock of its own and ld.so's inside it, blocks all signals
 * by a function that forgets signal 32, reads from a pipe, and has variables
 * that ld.so allocates: it is not used.  libgcc is free of all that where
 * glibc has _dl_find_object, but slower by far: 260 to 490 ns a frame, where a
 * frame of what is walked here costs 14 with all that recording does (libunwind
 * 12).  It does it on other machines, and with older glibc, where it takes
 * ld.so's lock.
 *
 * What cannot be walked is cut, and counted with the reason.
 */
#ifndef WATCH_STACK_H
#define WATCH_STACK_H

#include "base/common.h"

enum {
	STACK_DEPTH = 128,
	STACK_INNER = 96, /* kept of deeper ones, and 31 of the outermost */
	STACK_WALKED = 4096,
};

/* Loads the unwinder, where it is one.  Called once; allocates. */
void stack_start(void);

/*
 * In the thread that started the program, when it may be another one that calls
 * stack_start() later.
 */
void stack_first_thread(void);

/*
 * dlclose has returned: another library may come to lie where one was.
 */
void stack_library_closed(void);

/* Which unwinder is at work: "mpool", "libgcc". */
const char *stack_unwinder(void);

/*
 * Return addresses of the calling thread, the innermost first, without those
 * inside this library.  Returns how many, at most STACK_DEPTH: of a deeper
 * stack a 0 stands for its middle, and for its beginning, too, if that is
 * farther than STACK_WALKED.
 */
unsigned stack_capture(uintptr_t frames[STACK_DEPTH]);

/*
 * The same of what a signal has interrupted, from its context; the first is
 * what comes after the instruction itself.
 */
unsigned stack_capture_at(const void *context, uintptr_t frames[STACK_DEPTH]);

/*
 * Stacks that were cut, by reason, the first being 0, and its words; NULL: no
 * more reasons.
 */
const char *stack_cut(unsigned reason, uint64_t *stacks);

#endif
