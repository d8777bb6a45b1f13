/* SPDX-License-Identifier: MIT */
/*
 * walk.h - walks up a call stack by the rules of rule.h.
 *
 * No lock, no system call as a rule, no thread-local variable of others, a few
 * hundred bytes of stack: it may be called anywhere, and from a handler that
 * has interrupted it.
 */
#ifndef WATCH_WALK_H
#define WATCH_WALK_H

#include "base/common.h"

/* Why a stack ends. */
enum walk_end {
	WALK_WHOLE,  /* nobody called the outermost, or that is deep enough */
	WALK_TABLES, /* code without tables, nor a chain of frame pointers */
	WALK_RULES,  /* tables that say what rule.h does not know */
	WALK_MEMORY, /* it leads to where no stack is */
	WALK_ENDS
};

struct walk {
	uintptr_t pc, sp, bp;
	bool exact; /* pc is of the instruction itself, not a return address */
	uintptr_t page_end; /* of one that is mapped, of no thread's stack */
	uintptr_t bp_at, sp_at; /* where the last step read them; 0: nowhere */
	bool used_bp;
	bool passing; /* other stacks, or rules that do not stay, came by */
};

/* Moves on to the caller.  WALK_WHOLE: pc is 0, there is none. */
enum walk_end walk_up(struct walk *w);

/* In the thread that started the program, unless that calls walk_start(). */
void walk_first_thread(void);

/* Before the first walk. */
void walk_start(void);

/* A library has been closed: what is known of its code is forgotten. */
void walk_forget(void);

/* How often that was so. */
uint32_t walk_closings(void);

/*
 * Top of the calling thread's own stack, 0 before its first walk; whether all
 * from an address to `top` is known to lie there, and can be read.
 */
uintptr_t walk_top(void);
bool walk_owns(uintptr_t from, uintptr_t top);

#endif
