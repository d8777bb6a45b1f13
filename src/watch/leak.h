/* SPDX-License-Identifier: MIT */
/*
 * leak.h - which live samples the program can still reach.
 *
 * A conservative scan, as by Boehm's collector and LeakSanitizer: every
 * aligned word of the roots that points into a live sample makes it reachable,
 * and what it holds is scanned in turn.  Roots are all writable private
 * memory, all stacks and all threads' registers included, but for what lies
 * inside a sample.
 * When every allocation is recorded, the rest of the next allocator's heap is
 * free memory with stale pointers, and no root either.
 */
#ifndef WATCH_LEAK_H
#define WATCH_LEAK_H

#include "watch/live.h"
#include "watch/reach.h"

/*
 * To list them; to look unnoticed, while threads run, and halt them only for
 * what then seems lost, if none of them waits where it would notice; to halt
 * them for it.
 */
enum leak_how { LEAK_LIST, LEAK_LOOK, LEAK_HALT };

/* objects[i].mark is an enum reach_mark; sorted by site. */
struct leak_scan {
	struct live *objects;
	size_t count;
	size_t running; /* threads that ran on: not their registers */
	void *memory;	/* `bytes` of it, objects included */
	size_t bytes;
};

/*
 * Once, before the first sample: what lies below `heap_end` in the heap of brk
 * may be in use and no sample.
 */
void leak_start(uintptr_t heap_end);

/* All live samples.  False when memory is out. */
bool leak_scan(struct leak_scan *scan, enum leak_how how);
void leak_end(struct leak_scan *scan);

#endif
