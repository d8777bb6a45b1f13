/* SPDX-License-Identifier: MIT */
/*
 * trace.h - a log of every allocation: thread, time, kind, size, pointer.
 *
 * The file is a page of header and blocks of 64 KiB, each filled by one thread
 * in a shared mapping: what has been written is in the file when the process
 * is killed.  All numbers are little-endian.
 *
 *   header   "mpool-trace 1\n", then lines "version LIBRARY", "program NAME",
 *            "pid N", "start UNIX_MS", "stopped REASON" (last, when it was),
 * zeros block    struct trace_block, then events up to `used` event    a byte:
 * kind, enum trace_kind; then varints (LEB128): nanoseconds since the event
 * before it in the block pointer / 8, as a zigzag difference to the one before
 *            (realloc: the old pointer, then the new one in the same way)
 *            size, but for free; memalign: log2 of the alignment
 *
 * An allocation's time is when it was done, a free's when it began, so by time
 * no pointer is given twice.  A pointer of 0 is a call that failed.
 */
#ifndef WATCH_TRACE_H
#define WATCH_TRACE_H

#include "base/fork_table.h"

enum {
	TRACE_HEADER = 4096,
	TRACE_BLOCK = 64 << 10,
	TRACE_MAGIC = 0x6b6c426d, /* "mBlk" */
};

enum trace_kind {
	TRACE_END, /* nothing more in this block */
	TRACE_MALLOC,
	TRACE_FREE,
	TRACE_CALLOC,
	TRACE_REALLOC,
	TRACE_MEMALIGN,
	TRACE_KINDS
};

struct trace_block {
	uint32_t magic;
	uint32_t thread;  /* kernel's id */
	uint64_t base_ns; /* CLOCK_MONOTONIC; the first event counts from it */
	uint32_t used;	  /* bytes, this header included */
	uint32_t lost;	  /* events of this thread that were not logged */
};

/*
 * Opens the log that config.trace names.  False: said on stderr why.  Called
 * once, at start.
 */
bool trace_start(void);

/* A floor of the table of fork: a child opens a log of its own. */
void trace_fork(struct fork_table *t);

/* One event; any thread, errno is kept.  `extra`: realloc's old pointer, or
 * the alignment. */
void trace_event(enum trace_kind kind, const void *p, size_t size,
		 uintptr_t extra);

#endif
