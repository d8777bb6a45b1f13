/*
 * open.c - dlopen without RTLD_DEEPBIND, and dlclose, of which the unwinder
 * must know.
 *
 * A library opened with that flag binds glibc's free directly, and would hand
 * it our pointers.  dlopen finds RUNPATH and namespace by its return address,
 * so it is reached by a jump, not by a call.
 */
#include <dlfcn.h>

#include "base/config.h"
#include "next.h"
#include "watch/stack.h"

typedef void *open_function(const char *name, int flags);
typedef int close_function(void *handle);

static open_function *next_dlopen;
static close_function *next_dlclose;

EXPORT void *dlopen(const char *name, int flags)
{
	open_function *open = __atomic_load_n(&next_dlopen, __ATOMIC_RELAXED);

	if (unlikely(!open)) {
		*(void **)&open = next_symbol("dlopen");
		__atomic_store_n(&next_dlopen, open, __ATOMIC_RELAXED);
	}
	if (!config.keep_deepbind)
		flags &= ~RTLD_DEEPBIND;
	return open(name, flags);
}

EXPORT RARE int dlclose(void *handle)
{
	close_function *close =
		__atomic_load_n(&next_dlclose, __ATOMIC_RELAXED);
	int status;

	if (!close) {
		*(void **)&close = next_symbol("dlclose");
		__atomic_store_n(&next_dlclose, close, __ATOMIC_RELAXED);
	}
	status = close(handle);
	if (config.sample || config.leaks)
		stack_library_closed();
	return status;
}
