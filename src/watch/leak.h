/*
 * leak.h - which live samples the program can still reach.
 *
 * A conservative scan, as by Boehm's collector and LeakSanitizer: every
 * aligned word of the roots that points into a live sample makes it reachable,
 * and what it holds is scanned in turn.  Roots are all writable private
 * memory, the caller's registers and all stacks included, but for what lies
 * inside a sample.
 * When every allocation is recorded, the rest of the next allocator's heap is
 * free memory with stale pointers, and no root either.
 */
#ifndef WATCH_LEAK_H
#define WATCH_LEAK_H

#include "watch/live.h"

enum leak_state { LEAK_UNKNOWN, LEAK_LOST, LEAK_REACHABLE };

/* objects[i].mark is an enum leak_state; sorted by site.  Memory of its own. */
struct leak_scan {
	struct live *objects;
	size_t count;
	void *memory; /* `bytes` of it, objects included */
	size_t bytes;
};

/*
 * All live samples; with `look`, they are told apart.  Other threads go on
 * running, so what they move meanwhile, or hold in registers alone, may be
 * taken for lost.  False when memory is out.
 */
bool leak_scan(struct leak_scan *scan, bool look);
void leak_end(struct leak_scan *scan);

#endif
