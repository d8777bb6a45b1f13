/*
 * start.c - the library's start, fork and end.
 */
#include "pool/start.h"

#include <pthread.h>
#include <stdlib.h>

#include "heap/heap.h"
#include "pool/debug.h"
#include "pool/local.h"
#include "pool/mempool_fault.h"
#include "pool/roster.h"
#include "pool/stats.h"
#include "pool/tool.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_t starter; /* 0: nobody, or done */

static void fork_prepare(void)
{
	roster_fork_prepare();
	local_fork_prepare();
	tool_fork_prepare();
	heap_fork_prepare();
}

static void fork_parent(void)
{
	heap_fork_parent();
	tool_fork_parent();
	local_fork_parent();
	roster_fork_parent();
}

static void fork_child(void)
{
	heap_fork_child();
	tool_fork_child();
	roster_fork_child();
	local_fork_child();
	stats_fork_child();
}

static void start_once(void)
{
	__atomic_store_n(&starter, pthread_self(), __ATOMIC_RELAXED);
	pthread_atfork(fork_prepare, fork_parent, fork_child);
	debug_start();
	tool_start();
	stats_start();
	fault_start();
	__atomic_store_n(&starter, 0, __ATOMIC_RELAXED);
}

/*
 * A program's malloc may be made of our pools, and what we call at start
 * allocates: the thread that starts the library passes.
 */
void start_library(void)
{
	if (__atomic_load_n(&starter, __ATOMIC_RELAXED) != pthread_self())
		pthread_once(&once, start_once);
}

__attribute__((constructor(101))) static void start(void)
{
	start_library();
}

__attribute__((destructor(101))) static void finish(void)
{
	stats_finish();
	debug_report_leaks();
	heap_finish();
}
