/* SPDX-License-Identifier: MIT */
/*
 * guard.c - sampled objects in slots of their own.
 */
#include "watch/guard.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/config.h"
#include "base/out.h"
#include "base/sys.h"
#include "heap/sample.h"
#include "watch/guard_report.h"
#include "watch/modules.h"
#include "watch/stack.h"
#include "watch/tell.h"

size_t guard_period;

/* Owner: its thread. */
static __thread uint32_t own_id __attribute__((tls_model("initial-exec")));

static bool refused; /* the kernel opens no more slots */

void guard_tell_off(const char *what)
{
	char text[OUT_LINE];
	struct out o;
	int fd = tell_descriptor();

	out_memory(&o, text, sizeof text);
	out_str(&o, "libmpool: MPOOL_GUARD: ");
	out_str(&o, what);
	out_str(&o, "; going on without guards");
	if (fd >= 0)
		out_line(&o, fd);
}

/* Asked once: a sandbox that the thread enters may kill who asks. */
static uint32_t thread_id(void)
{
	if (!own_id)
		own_id = (uint32_t)syscall(SYS_gettid);
	return own_id;
}

void guard_fork_child(void)
{
	own_id = 0;
}

void guard_start(size_t period)
{
	stack_start();
	thread_id();
	guard_period = period;
	sample_want(SAMPLE_GUARD, period);
}

void guard_trace_here(struct guard_trace *trace, const void *context)
{
	uintptr_t frames[STACK_DEPTH];
	unsigned depth;

	trace->thread = 0;
	trace->depth = 0;
	if (sys_still)
		return;
	depth = context ? stack_capture_at(context, frames)
			: stack_capture(frames);
	depth = min_of(depth, (unsigned)GUARD_FRAMES);
	trace->thread = thread_id();
	trace->generation = (uint16_t)modules_generation(frames, depth);
	trace->depth = (uint16_t)depth;
	memcpy(trace->frames, frames, depth * sizeof *frames);
}

void *guard_alloc(size_t alignment, size_t size)
{
	struct guard_trace by;
	struct guard_slot *slot;
	bool is_refused;

	if (sys_still || __atomic_load_n(&refused, __ATOMIC_RELAXED))
		return NULL;
	guard_trace_here(&by, NULL);
	slot = guard_slots_take(alignment, size, sample_dice() >> 63, &by,
				&is_refused);
	if (is_refused &&
	    !__atomic_exchange_n(&refused, true, __ATOMIC_RELAXED))
		guard_tell_off("the kernel opens no more pages");
	return slot ? (void *)guard_address(slot) : NULL;
}

void guard_free(void *p)
{
	struct guard_trace by;
	struct guard_slot *slot;
	enum guard_crime crime;
	uintptr_t changed;

	guard_trace_here(&by, NULL);
	crime = guard_slots_give((uintptr_t)p, &by, &slot, &changed);
	if (likely(crime == GUARD_NO_CRIME))
		return;
	guard_report(crime, changed ? changed : (uintptr_t)p, "", slot, &by);
	if (!config.guard_go_on)
		abort();
}
