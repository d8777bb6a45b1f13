/*
 * record.c - remembers sampled allocations until they are freed.
 */
#include "watch/record.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "heap/class.h"
#include "heap/heap.h"
#include "heap/sample.h"
#include "watch/process.h"
#include "watch/sites.h"

static uint64_t lost;

uint32_t record_now(void)
{
	return (uint32_t)process_age_ms();
}

static uint32_t thread_id(void)
{
	static __thread uint32_t id __attribute__((tls_model("initial-exec")));

	if (!id)
		id = (uint32_t)syscall(SYS_gettid);
	return id;
}

void record_start(size_t period)
{
	stack_start();
	__atomic_store_n(&sample_period, period, __ATOMIC_RELEASE);
	/* What this thread's magazines hold would go out without a look. */
	heap_trim();
}

/* What the sampler counted for a request: the pools round up. */
static size_t unit_of(size_t size)
{
	if (size > SMALL_MAX)
		return size;
	return class_size(size ? class_of(size) : CLASS_FIRST);
}

static COLD void remember(void *p, size_t size)
{
	uintptr_t frames[STACK_DEPTH];
	unsigned depth = stack_capture(frames);
	uint32_t site = sites_add(frames, depth, size, unit_of(size));
	struct live sample = {
		.inverted = ~(uintptr_t)p,
		.site = site,
		.born_ms = record_now(),
		.thread = thread_id(),
	};

	if (site && live_add(&sample))
		return;
	if (site)
		sites_free(site);
	__atomic_fetch_add(&lost, 1, __ATOMIC_RELAXED);
}

void record_alloc(void *p, size_t size)
{
	int saved = errno;

	if (sample_due(size) && !stack_inside())
		remember(p, size);
	errno = saved;
}

void record_freed(const struct live *was)
{
	sites_free(was->site);
}

void record_kept(const struct live *was)
{
	if (live_add(was))
		return;
	sites_free(was->site);
	__atomic_fetch_add(&lost, 1, __ATOMIC_RELAXED);
}

uint64_t record_lost(void)
{
	return __atomic_load_n(&lost, __ATOMIC_RELAXED);
}

void record_fork_prepare(void)
{
	live_lock();
	sites_lock();
}

void record_fork_parent(void)
{
	sites_unlock();
	live_unlock();
}

void record_fork_child(void)
{
	sites_fork_child();
	live_fork_child();
}
