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
#include "watch/dump.h"

EXPORT int mpool_stats_dump(const char *target);

/* If not, nothing of watch/ is touched: see cold.ld. */
static bool wants_statistics(void)
{
	return config.stats || config.stats_signal;
}

static void fork_child(void)
{
	heap_fork_child();
	if (wants_statistics())
		dump_fork_child();
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
	pthread_atfork(heap_fork_prepare, heap_fork_parent, fork_child);
	config_read(environ);
	heap_configured();
	if (wants_statistics()) {
		dump_start();
		dump_signal_start();
		next_count();
	}
}

__attribute__((destructor(101))) static void finish(void)
{
	if (wants_statistics())
		dump_at_exit();
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
