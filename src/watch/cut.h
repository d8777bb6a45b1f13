/* SPDX-License-Identifier: MIT */
/*
 * cut.h - stores into a mapped file that somebody may cut.
 *
 * Each is a SIGBUS then.  A handler puts memory of the thread's own in the
 * place of what is gone; all other faults are the program's.
 */
#ifndef WATCH_CUT_H
#define WATCH_CUT_H

#include "base/common.h"

/* Where the calling thread stores.  Owner: the thread. */
struct cut_watch {
	char *from; /* NULL: nowhere */
	size_t bytes;
	bool happened; /* what is stored there is lost */
};

extern HIDDEN __thread struct cut_watch cut_watch
	__attribute__((tls_model("initial-exec")));

/*
 * Installs the handler, in front of the program's own when it has one by now,
 * and has the calling thread take the signal.  Any thread, not in a sandbox.
 */
void cut_guard(void);

#endif
