/*
 * stack.h - the call stack of the caller.
 *
 * By libunwind, which is loaded at run time and never linked: a preloaded
 * library that needs it would capture the unwinding of C++ exceptions of the
 * whole process.  Where it is missing, libgcc does it, ten times slower.
 */
#ifndef WATCH_STACK_H
#define WATCH_STACK_H

#include "base/common.h"

enum {
	STACK_DEPTH = 128,
	STACK_OWN = 16, /* frames of ours above the program's */
	STACK_ROOM = STACK_OWN + STACK_DEPTH,
};

/*
 * Loads the unwinder and has it do its first, slow, work.  Called once, at
 * start, outside of malloc; allocates.
 */
void stack_start(void);

/*
 * dlclose has returned.  libunwind keeps what it knows of code by address and
 * cannot be made to forget it: once a library has been unloaded, and another
 * may come to lie there, libgcc takes over.  May allocate.
 */
void stack_library_closed(void);

/* Which unwinder is at work: "libunwind", "libgcc". */
const char *stack_unwinder(void);

/*
 * Return addresses of the calling thread, the innermost first, without those
 * inside this library.  Returns how many, at most STACK_DEPTH; none when a
 * handler's own stack has no room for the unwinder.  Never under a lock: the
 * unwinder takes the loader's.  It may allocate; the caller sees to it that
 * this does not come back here.
 */
unsigned stack_capture(uintptr_t frames[STACK_ROOM]);

#endif
