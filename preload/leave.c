/* SPDX-License-Identifier: MIT */
/*
 * leave.c - _exit and _Exit, which run no destructor, nor ours.
 *
 * They may be called anywhere: by a child of vfork, whose memory is its
 * parent's, or by a handler in the middle of anything.  A child that nobody
 * announced may have inherited the loader's lock, so it looks for no next
 * function; the system call ends it, as it does in glibc.  Who makes that call
 * himself is not seen.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/config.h"
#include "base/lock.h"
#include "base/off.h"
#include "heap/heap.h"
#include "next_symbol.h"
#include "watch/dump.h"

EXPORT void _exit(int status);
EXPORT void _Exit(int status) __attribute__((alias("_exit")));

/* A handler's own stack is too small for what is to be done. */
static RARE bool is_on_small_stack(void)
{
	stack_t stack;

	return sigaltstack(NULL, &stack) || stack.ss_flags & SS_ONSTACK;
}

EXPORT RARE void _exit(int status)
{
	void (*theirs)(int status) = NULL;

	/* A sanitizer's looks itself, and has a status of its own. */
	if (!off_asked() && !heap_vetoed() && config_watches() &&
	    !is_on_small_stack())
		dump_leaving();
	if (!lock_orphaned())
		*(void **)&theirs = next_symbol("_exit");
	if (theirs)
		theirs(status);
	for (;;)
		syscall(SYS_exit_group, status);
}
