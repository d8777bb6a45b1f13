/* SPDX-License-Identifier: MIT */
/*
 * start.c - process start and exit.
 *
 * The constructor does little: a program that never allocates pays for
 * nothing.  The heap itself is set up by the first small request, which may
 * come before the constructor.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/config.h"
#include "base/fault.h"
#include "base/off.h"
#include "count.h"
#include "fork.h"
#include "guard.h"
#include "harden.h"
#include "heap/class.h"
#include "heap/hard.h"
#include "heap/heap.h"
#include "next.h"
#include "record.h"
#include "trace.h"
#include "watch/dump.h"
#include "watch/page.h"
#include "watch/pools.h"
#include "watch/profile.h"
#include "watch/record.h"
#include "watch/trace.h"
#include "wide.h"

EXPORT int mpool_stats_dump(const char *target);
EXPORT int mpool_pools_attach(unsigned version, pools_walk_t *walk);

static void finish(void);

/* Run-time libraries of sanitizers; they bring a malloc and watch over it. */
extern void __asan_init(void) __attribute__((weak));
extern void __hwasan_init(void) __attribute__((weak));
extern void __lsan_init(void) __attribute__((weak));
extern void __msan_init(void) __attribute__((weak));
extern void __tsan_init(void) __attribute__((weak));

bool heap_vetoed(void)
{
	return off_asked() || __asan_init || __hwasan_init || __lsan_init ||
	       __msan_init || __tsan_init;
}

/* Not what is on already. */
RARE const char *fault_hint(void)
{
	static const char guard[] RARE_TEXT =
		"; for stacks, run it again with 'mpool run --guard'";
	static const char harden[] RARE_TEXT =
		"; run it again with 'mpool run --harden'";
	static const char either[] RARE_TEXT =
		"; run it again with 'mpool run --guard' or --harden";

	if (config.harden)
		return config.guard ? "" : guard;
	return config.guard ? harden : either;
}

__attribute__((constructor(101))) static COLD void start(void)
{
	config_read(environ);
	if (unlikely(off_asked()))
		return;
	fork_start();
	heap_configured();
	if (config.harden)
		harden_start();
	else if (class_border > SMALL_MAX)
		wide_start();
	if (!config.profile)
		config.profile = "%n.%p.mprof";
	if (config_records())
		dump_profile_by(profile_write);
	if (config_watches()) {
		dump_start();
		dump_signal_start();
		at_quick_exit(finish);
	}
	if (heap_vetoed())
		config.guard = 0;
	if (config.guard)
		guard_next();
	if (config.stats || config.stats_signal || config.page)
		count_next();
	if (config_records() || config.guard)
		record_next();
	if (config_records())
		dump_keep_start();
	if (config.trace)
		trace_next();
	if (config.page) {
		record_later();
		page_start(dump_profile());
	}
}

__attribute__((destructor(101))) static void finish(void)
{
	if (unlikely(off_asked()))
		return;
	if (config_watches())
		dump_at_exit();
	if (config.page)
		page_at_exit();
	heap_finish();
	if (config.harden && hard_on)
		hard_check();
}

/*
 * Writes the statistics now: to "stderr", or to a file whose ending .json or
 * .prom chooses the format.  Returns 0 or -1 with errno.  Any thread.
 */
EXPORT int mpool_stats_dump(const char *target)
{
	return dump_to(target);
}

/*
 * libmempool.so asks by this name whether we are here: the pools that `walk`
 * finds are in each of our statistics from now on.  Returns 0 or a negative
 * errno; then libmempool writes statistics of its own.  Any thread.
 */
EXPORT int mpool_pools_attach(unsigned version, pools_walk_t *walk)
{
	return pools_attach(version, walk);
}
