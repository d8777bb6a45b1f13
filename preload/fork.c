/* SPDX-License-Identifier: MIT */
/*
 * fork.c - the locks, held while the process forks.
 *
 * Handlers that are registered first take their locks last and give them up
 * first.  Ours must be these: who holds a lock of a program's or a library's
 * own may allocate.  Libraries that a program links are initialised before us,
 * so we do not wait for our constructor: whoever registers handlers first
 * registers ours before.  pthread_atfork() is part of each library, and calls
 * __register_atfork().
 */
#include "fork.h"

#include <errno.h>
#include <pthread.h>

#include "base/config.h"
#include "base/fork_table.h"
#include "base/inject.h"
#include "heap/hard.h"
#include "heap/heap.h"
#include "next.h"
#include "next_symbol.h"
#include "watch/dump.h"
#include "watch/guard.h"
#include "watch/guard_fault.h"
#include "watch/page.h"
#include "watch/record.h"
#include "watch/trace.h"

typedef void handler(void);
typedef int register_function(handler *prepare, handler *parent, handler *child,
			      void *library);

EXPORT int __register_atfork(handler *prepare, handler *parent, handler *child,
			     void *library);

/*
 * glibc's lock of the list of streams.  While a thread holds it, or that of a
 * stream, it may allocate (getline, a cookie's function), and glibc's fork
 * takes it after this handler: so it is taken here, before the heap's locks.
 */
extern void _IO_list_lock(void);
extern void _IO_list_unlock(void);
extern void _IO_list_resetlock(void);

static void mend_dump(enum fork_child how)
{
	(void)how;
	if (config.guard) {
		guard_fork_child();
		guard_fault_fork_child();
	}
	if (config_watches())
		dump_fork_child();
}

static void mend_page(enum fork_child how)
{
	(void)how;
	if (config.page)
		page_fork_child(dump_profile());
}

/* In a nested fork it is this thread's, or glibc's to reset. */
static void act_on_streams(enum lock_rank rank, enum fork_act act)
{
	(void)rank;
	switch (act) {
	case FORK_TAKE:
		_IO_list_lock();
		break;
	case FORK_RELEASE:
		_IO_list_unlock();
		break;
	case FORK_RESET:
		if (!fork_is_nested())
			_IO_list_resetlock();
		break;
	}
}

static void fill(struct fork_table *t)
{
	fork_floor(t, NULL, NULL);
	fork_row(t, RANK_STREAMS)->act = act_on_streams;
	fork_row(t, RANK_DUMP)->mend = mend_dump;
	fork_row(t, RANK_PAGE)->mend = mend_page;
	trace_fork(t);
	record_fork(t);
	heap_fork(t);
	if (hard_on || witness_knows)
		hard_fork(t);
	next_fork(t);
	inject_fork(t);
}

static register_function *next_register;

int __register_atfork(handler *prepare, handler *parent, handler *child,
		      void *library)
{
	fork_start();
	return next_register ? next_register(prepare, parent, child, library)
			     : ENOMEM;
}

void fork_start(void)
{
	if (next_register)
		return;
	*(void **)&next_register = next_symbol("__register_atfork");
	if (next_register) {
		fork_filled_by(fill);
		next_register(fork_prepare, fork_parent, fork_child, NULL);
	}
}
