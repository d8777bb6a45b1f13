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
#include "heap/heap.h"
#include "next.h"
#include "watch/dump.h"
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

static void fork_prepare(void)
{
	_IO_list_lock();
	if (config_records())
		record_fork_prepare();
	heap_fork_prepare();
}

static void fork_parent(void)
{
	heap_fork_parent();
	if (config_records())
		record_fork_parent();
	_IO_list_unlock();
}

static void fork_child(void)
{
	heap_fork_child();
	if (config_records())
		record_fork_child();
	if (config_watches())
		dump_fork_child();
	if (config.trace)
		trace_fork_child();
	if (config.page)
		page_fork_child(dump_profile());
	_IO_list_resetlock();
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
	if (next_register)
		next_register(fork_prepare, fork_parent, fork_child, NULL);
}
