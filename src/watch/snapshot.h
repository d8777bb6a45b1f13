/* SPDX-License-Identifier: MIT */
/*
 * snapshot.h - all figures at one moment, taken once and printed three ways.
 */
#ifndef WATCH_SNAPSHOT_H
#define WATCH_SNAPSHOT_H

#include <sys/types.h>

#include "base/out.h"
#include "heap/class.h"
#include "heap/stats.h"
#include "watch/forwarded.h"
#include "watch/pools.h"
#include "watch/process.h"

/* A class, or all of them.  In the total, size is 0 and peak a sum of peaks
 * that need not have met. */
struct snapshot_row {
	struct class_stats stats;
	uint64_t live_bytes, peak_bytes;
};

/* pools comes last: its rows are not cleared. */
struct snapshot {
	bool library;	/* libmempool's, in the absence of libmpool.so */
	bool heap_used; /* else nothing is said of classes and total */
	char version[PROCESS_LIBRARY]; /* of the library; "": unknown */
	pid_t pid;
	char program[PROCESS_NAME];
	const char *labels; /* base/label.h */
	bool among_others;  /* its process id stays, whatever they say */
	bool ended;	    /* or about to */
	uint64_t age_ms;
	uint64_t start_ms;		      /* since 1970; 0: unknown */
	unsigned class_count;		      /* up to the border */
	struct snapshot_row classes[CLASSES]; /* class c at c - CLASS_FIRST */
	struct snapshot_row total;
	bool hardened; /* what is forwarded, the hardened heap serves */
	bool forwarded_counted;
	struct forwarded_count forwarded[FORWARDED_KINDS];
	uint64_t rss_bytes; /* 0: unknown */
	uint64_t peak_rss_bytes;
	struct pools pools;
};

/*
 * Set once, at start, by libmempool: its small heap is shown only when it is
 * used, the interposer's always.
 */
extern HIDDEN bool snapshot_library;

/* A hook: adds row `i` of the hardened heap, if it is on. */
bool snapshot_hard(unsigned i, struct class_stats *stats) __attribute__((weak));

/* The rows at class c's place, c - CLASS_FIRST; returns how many there are. */
unsigned snapshot_row_count(void);
void snapshot_row_stats(unsigned i, struct class_stats *stats);

/*
 * Takes the heap's locks, one class after the other: rows are true each by
 * itself, and of one moment when no other thread runs.  Memory of the process
 * is as process_look() found it.
 */
void snapshot_take(struct snapshot *snapshot);

/* All that were made, of the pools and beyond. */
uint64_t snapshot_requests(const struct snapshot *snapshot);

/* Sums up the classes that are shown, of a snapshot made otherwise. */
void snapshot_sum(struct snapshot *snapshot);

#endif
