/*
 * start.c - process start, fork and exit.
 *
 * The constructor does little: a program that never allocates pays for
 * nothing.  The heap itself is set up by the first small request, which may
 * come before the constructor.
 */
#include <pthread.h>
#include <unistd.h>

#include "base/config.h"
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

EXPORT int mpool_stats_dump(const char *target);
EXPORT int mpool_pools_attach(unsigned version, pools_walk_t *walk);

static bool wants_record(void)
{
	return config.sample || config.leaks;
}

/* If not, nothing of watch/ is touched: see cold.ld. */
static bool wants_statistics(void)
{
	return config.stats || config.stats_signal || config.sample ||
	       config.leaks || config.trace || config.page;
}

static void fork_prepare(void)
{
	if (wants_record())
		record_fork_prepare();
	heap_fork_prepare();
}

static void fork_parent(void)
{
	heap_fork_parent();
	if (wants_record())
		record_fork_parent();
}

static void fork_child(void)
{
	heap_fork_child();
	if (wants_record())
		record_fork_child();
	if (config.trace)
		trace_fork_child();
	if (wants_statistics())
		dump_fork_child();
	if (config.page)
		page_fork_child(dump_profile());
}

/* Run-time libraries of sanitizers; they bring a malloc and watch over it. */
extern void __asan_init(void) __attribute__((weak));
extern void __hwasan_init(void) __attribute__((weak));
extern void __msan_init(void) __attribute__((weak));
extern void __tsan_init(void) __attribute__((weak));

bool heap_vetoed(void)
{
	return __asan_init || __hwasan_init || __msan_init || __tsan_init;
}

/* Registered first, so locks are taken last and given up first. */
__attribute__((constructor(101))) static void start(void)
{
	pthread_atfork(fork_prepare, fork_parent, fork_child);
	config_read(environ);
	heap_configured();
	if (!wants_record())
		config.profile = NULL;
	else if (!config.profile)
		config.profile = "%n.%p.mprof";
	if (wants_record())
		dump_profile_by(profile_write);
	if (wants_statistics()) {
		dump_start();
		dump_signal_start();
	}
	if (config.stats || config.stats_signal || config.page)
		next_count();
	if (wants_record())
		record_next();
	if (config.trace)
		trace_next();
	if (config.page)
		page_start(dump_profile());
}

__attribute__((destructor(101))) static void finish(void)
{
	if (wants_statistics())
		dump_at_exit();
	if (config.page)
		page_at_exit();
	heap_finish();
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
