/* SPDX-License-Identifier: MIT */
/*
 * tell.h - one line on stderr about a file that is not written.
 */
#ifndef WATCH_TELL_H
#define WATCH_TELL_H

#include "base/common.h"

/* Notes what descriptor 2 stands for.  Called once, at start. */
void tell_start(void);

/* In a new child: the duplicate is the parent's. */
void tell_fork_child(void);

/* The descriptor to write to, or -1 when there is none any more. */
int tell_descriptor(void);

/*
 * "libmpool: no `what` in 'name': `why`"; `name` NULL: without
 * the place.  Makes no call but write(2) in a sandbox.  Any thread; errno
 * stays.
 */
void tell(const char *what, const char *name, const char *why);

#endif
