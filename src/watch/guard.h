/* SPDX-License-Identifier: MIT */
/*
 * guard.h - sampled objects in slots of their own, where misuse is found by
 * the processor.
 *
 * Which requests are samples is heap/sample.h's, who asks here is the
 * interposer.  What touches a freed object, or beyond one, is stopped at that
 * very instruction (guard_fault.h); what is freed twice, or has changed the
 * bytes around an object, when it is freed.
 */
#ifndef WATCH_GUARD_H
#define WATCH_GUARD_H

#include "watch/guard_slots.h"

/* Mean bytes between guarded objects; 0: off. */
extern HIDDEN size_t guard_period;

/* Turns sampling on.  Called once, after guard_slots_start(); allocates. */
void guard_start(size_t period);

/* Why guards are off from now on: `what` failed.  In one line, on stderr. */
void guard_tell_off(const char *what);

/*
 * A guarded object, all zeros, or NULL: then the next allocator has to serve
 * the request.
 */
void *guard_alloc(size_t alignment, size_t size);

/*
 * Frees what lies in a slot.  A crime is reported, and ends the program unless
 * config.guard_go_on.
 */
void guard_free(void *p);

/* In a child whose fork was announced. */
void guard_fork_child(void);

/*
 * The caller's stack, at `context` if it is that of a signal.  Nothing, where
 * calls would kill (sys_still).
 */
void guard_trace_here(struct guard_trace *trace, const void *context);

#endif
