/* SPDX-License-Identifier: MIT */
/*
 * root.h - looks through what a program can reach without a sample.
 */
#ifndef WATCH_ROOT_H
#define WATCH_ROOT_H

#include <ucontext.h>

#include "watch/halt.h"
#include "watch/reach.h"

/* memory: ours, which is not looked at; nor is what lies below own.stack. */
struct roots {
	struct reach *reach;
	struct halt_thread own;	     /* the caller */
	const ucontext_t *registers; /* of the caller */
	const struct halt *halt;     /* NULL: threads run on */
	const char *memory;
	size_t bytes;
	bool still; /* no stacks but these are in use, or were at a fork */
};

/*
 * Once, before the first sample: what lies below `heap_end` in the heap of brk
 * may be in use and no sample; `threads`: so may all of the arenas.
 */
void root_start(uintptr_t heap_end, bool threads);

/* False: mappings cannot be read. */
bool root_look(struct roots *roots);

#endif
