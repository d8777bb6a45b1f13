/* SPDX-License-Identifier: MIT */
/*
 * log.h - a log of allocations in memory, as src/watch/trace.h describes it,
 * turned into what can be done again: operations on numbered objects.
 */
#ifndef MPOOL_LOG_H
#define MPOOL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "watch/trace.h"

/*
 * One call, on object `object`.  turn counts the calls on the same object
 * before it, so that replaying threads can wait for each other.
 */
struct op {
	uint64_t size;
	uint32_t object;
	uint32_t turn;
	uint32_t thread; /* 0, 1, ... in the order of their first calls */
	uint8_t kind;	 /* enum trace_kind */
	uint8_t align;	 /* memalign: log2 */
};

/* ops are in the order of time. */
struct log {
	char *program;
	uint64_t pid, span_ns;
	struct op *ops;
	size_t count;
	uint32_t objects, threads;
	uint64_t lost;	  /* events that the program could not log */
	uint64_t unknown; /* frees of what was allocated before the log */
	uint64_t peak_bytes, peak_objects;
	char *stopped;	 /* why the log ends early; NULL: it does not */
	const char *cut; /* a block that is damaged; NULL: none */
};

/*
 * Reads a log.  NULL, or what is wrong, *offset being where.  A log whose end
 * is missing or damaged gives what came before, and log->cut says so.
 */
const char *log_parse(struct log *log, const unsigned char *bytes,
		      size_t length, uint64_t *offset);

/* The same of a file, or the end of the program with one line. */
void log_load(struct log *log, const char *path);

void log_free(struct log *log);

#endif
