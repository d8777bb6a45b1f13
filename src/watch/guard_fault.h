/* SPDX-License-Identifier: MIT */
/*
 * guard_fault.h - SIGSEGV and SIGBUS: those that come from a slot are reported,
 * all others are the program's.
 *
 * Our handler stays in the kernel; what the program wants done at these signals
 * is kept here, and done when the fault is none of ours, or is reported.  The
 * kernel's copy has the mask and the flags that the program asked for, so its
 * handler is called as without us: on the stack it chose, with the mask it
 * chose; it may return, change the context, or jump.
 *
 * Limits: who asks the kernel without libc's sigaction or signal (Go) replaces
 * ours; what it hands on still comes here.  SIG_IGN for these two is not handed
 * on by exec.
 */
#ifndef WATCH_GUARD_FAULT_H
#define WATCH_GUARD_FAULT_H

#include <signal.h>

#include "base/common.h"

typedef int guard_sigaction(int number, const struct sigaction *action,
			    struct sigaction *old);

/*
 * Installs the handlers; `by` is libc's sigaction, or of whoever stands behind
 * us.  False: it is refused, and nothing has changed.
 */
bool guard_fault_start(guard_sigaction *by);

/* Whether a signal's action is kept here. */
bool guard_fault_keeps(int number);

/* What sigaction(2) does, for these two. */
int guard_fault_action(int number, const struct sigaction *action,
		       struct sigaction *old);

/* In a child whose fork was announced. */
void guard_fault_fork_child(void);

#endif
