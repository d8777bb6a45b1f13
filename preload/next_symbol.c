/* SPDX-License-Identifier: MIT */
/*
 * next_symbol.c - functions of the allocator behind us, by name.
 */
#include "next_symbol.h"

#include <dlfcn.h>

const void *next_library(void *function)
{
	Dl_info info;

	return dladdr(function, &info) ? info.dli_fbase : NULL;
}

/*
 * glibc's libc_malloc_debug.so has its names under the version with which
 * programs ask for them, and hides them from dlsym().
 */
#if defined(__x86_64__)
#define OLDEST "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define OLDEST "GLIBC_2.17"
#elif defined(__riscv)
#define OLDEST "GLIBC_2.27"
#else
#define OLDEST "GLIBC_2.0"
#endif

static bool debugged; /* that library is the next allocator */

static RARE void *debug_symbol(const char *name)
{
	static const char versions[][12] = { OLDEST, "GLIBC_2.10", "GLIBC_2.16",
					     "GLIBC_2.33" };
	void *found = NULL;

	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions) && !found;
	     i++)
		found = dlvsym(RTLD_NEXT, name, versions[i]);
	return found;
}

void *next_symbol(const char *name)
{
	void *found = debugged ? debug_symbol(name) : NULL;

	return found ? found : dlsym(RTLD_NEXT, name);
}

bool next_symbol_debugged(const void *libc)
{
	void *found = dlvsym(RTLD_NEXT, "malloc", OLDEST);

	if (found && next_library(found) != libc)
		debugged = true;
	return debugged;
}
