/* SPDX-License-Identifier: MIT */
/*
 * open.c - dlopen and dlmopen without RTLD_DEEPBIND, and dlclose, of which
 * profiles and the unwinder must know.
 *
 * A library opened with that flag binds glibc's free directly, and would hand
 * it our pointers.  dlopen finds RUNPATH and namespace by its return address,
 * so it is reached by a jump, not by a call.
 */
#include <dlfcn.h>

#include "base/config.h"
#include "next.h"
#include "next_symbol.h"
#include "watch/modules.h"
#include "watch/record.h"
#include "watch/stack.h"

typedef void *open_function(const char *name, int flags);
typedef void *namespace_function(Lmid_t where, const char *name, int flags);
typedef int close_function(void *handle);

static open_function *next_dlopen;
static namespace_function *next_dlmopen;
static close_function *next_dlclose;

static inline int allowed(int flags)
{
	return config.keep_deepbind ? flags : flags & ~RTLD_DEEPBIND;
}

EXPORT void *dlopen(const char *name, int flags)
{
	open_function *open = __atomic_load_n(&next_dlopen, __ATOMIC_RELAXED);

	if (unlikely(!open)) {
		*(void **)&open = next_symbol("dlopen");
		__atomic_store_n(&next_dlopen, open, __ATOMIC_RELAXED);
	}
	return open(name, allowed(flags));
}

/* Another namespace than the program's has a malloc of its own anyway. */
EXPORT RARE void *dlmopen(Lmid_t where, const char *name, int flags)
{
	namespace_function *open =
		__atomic_load_n(&next_dlmopen, __ATOMIC_RELAXED);

	if (!open) {
		*(void **)&open = next_symbol("dlmopen");
		__atomic_store_n(&next_dlmopen, open, __ATOMIC_RELAXED);
	}
	return open(where, name, where == LM_ID_BASE ? allowed(flags) : flags);
}

EXPORT RARE int dlclose(void *handle)
{
	close_function *close =
		__atomic_load_n(&next_dlclose, __ATOMIC_RELAXED);
	struct modules *before;
	int status;

	if (!close) {
		*(void **)&close = next_symbol("dlclose");
		__atomic_store_n(&next_dlclose, close, __ATOMIC_RELAXED);
	}
	if (!record_is_on() && !config.guard)
		return close(handle);
	before = modules_list();
	status = close(handle);
	modules_closed(before);
	stack_library_closed();
	return status;
}
