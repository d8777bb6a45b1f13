/*
 * open.c - dlopen without RTLD_DEEPBIND.
 *
 * A library opened with that flag binds glibc's free directly, and would hand
 * it our pointers.  dlopen finds RUNPATH and namespace by its return address,
 * so it is reached by a jump, not by a call.
 */
#include <dlfcn.h>

#include "base/config.h"
#include "next.h"

typedef void *open_function(const char *name, int flags);

static open_function *next_dlopen;

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
