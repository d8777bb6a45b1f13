/*
 * forwarded.h - counts what went on to the next allocator.
 *
 * Counting is off unless statistics are asked for: then the interposer's
 * forwarding paths, and only they, pay one test of a flag.
 */
#ifndef WATCH_FORWARDED_H
#define WATCH_FORWARDED_H

#include "base/common.h"

enum forwarded_kind {
	FORWARDED_MALLOC,
	FORWARDED_CALLOC,
	FORWARDED_REALLOC,
	FORWARDED_ALIGNED,
	FORWARDED_FREE,
	FORWARDED_KINDS
};

struct forwarded_count {
	uint64_t calls;
	uint64_t bytes; /* requested; 0 for free */
};

/* Of a kind; on a cache line of its own. */
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

/* Outlined half of forwarded_count(); atomic, any thread. */
void forwarded_add(enum forwarded_kind kind, size_t bytes);

static inline void forwarded_count(enum forwarded_kind kind, size_t bytes)
{
	if (unlikely(forwarded_counting))
		forwarded_add(kind, bytes);
}

#endif
