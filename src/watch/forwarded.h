/* SPDX-License-Identifier: MIT */
/*
 * forwarded.h - counts what went on to the next allocator.
 *
 * Counting is off unless statistics are asked for: then the interposer's
 * forwarding paths, and only they, pay one test of a flag.
 */
#ifndef WATCH_FORWARDED_H
#define WATCH_FORWARDED_H

#include "base/common.h"

enum {
	FORWARDED_SIZES = 15,	  /* 128 bytes and less, 256, ... 1 MiB, more */
	FORWARDED_SMALLEST = 128, /* what the first of them goes up to */
};

enum forwarded_kind {
	FORWARDED_MALLOC,
	FORWARDED_CALLOC,
	FORWARDED_REALLOC,
	FORWARDED_ALIGNED,
	FORWARDED_FREE,
	FORWARDED_KINDS
};

struct forwarded_count {
	uint64_t bytes;			 /* requested; 0 for free */
	uint64_t calls[FORWARDED_SIZES]; /* by size; of free only the first */
};

/* Of a kind; on cache lines of its own. */
struct forwarded_counter {
	_Alignas(64) struct forwarded_count count;
};

extern HIDDEN struct forwarded_counter forwarded_counters[FORWARDED_KINDS];

/* Set once, before the program starts. */
extern bool forwarded_counting;

/* "malloc", "calloc", ... */
const char *forwarded_name(enum forwarded_kind kind);

/* The counts so far, each by itself exact. */
void forwarded_read(struct forwarded_count counts[FORWARDED_KINDS]);

/* The most bytes of a request that counts as of this size; the last: any. */
uint64_t forwarded_limit(unsigned size);

/* Calls of a kind, whatever their sizes. */
uint64_t forwarded_calls(const struct forwarded_count *count);

/* Calls of this size, but of free. */
uint64_t
forwarded_requests(const struct forwarded_count counts[FORWARDED_KINDS],
		   unsigned size);

/* Calls of all sizes, and what they asked for, but of free. */
uint64_t
forwarded_all_requests(const struct forwarded_count counts[FORWARDED_KINDS]);
uint64_t forwarded_bytes(const struct forwarded_count counts[FORWARDED_KINDS]);

/* Outlined half of forwarded_count(); atomic, any thread. */
void forwarded_add(enum forwarded_kind kind, size_t bytes);

static inline void forwarded_count(enum forwarded_kind kind, size_t bytes)
{
	if (unlikely(forwarded_counting))
		forwarded_add(kind, bytes);
}

#endif
