/* SPDX-License-Identifier: MIT */
/*
 * remote.h - the statistics of a process that publishes no page, read out of
 * its memory.
 */
#ifndef MPOOL_REMOTE_H
#define MPOOL_REMOTE_H

#include "watch/page.h"

/* "/proc/PID", by which such a process goes among pages; 0: no such name. */
uint64_t remote_pid(const char *path);

/*
 * Fills a page as the process would.  NULL, or what is wrong, to be read after
 * "process 123": "has no libmpool.so ...".  The process is not stopped.
 */
const char *remote_read(struct page *page, uint64_t pid);

/*
 * Why the memory of a process could not be read by user `uid`.  yama: what
 * kernel.yama.ptrace_scope says, 0 where there is none.
 */
struct proc_status;
const char *remote_denied(const struct proc_status *status, uint64_t uid,
			  int yama);

#endif
