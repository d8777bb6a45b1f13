/* SPDX-License-Identifier: MIT */
/*
 * opener.c - a plug-in that opens another by bare name, to be found through
 * its own RUNPATH or next to itself, whatever the program's is.
 *
 * The test links it with a RUNPATH of $ORIGIN/inner.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

void *open_inner(const char *name, int flags);
void *open_inner_base(const char *name, int flags);
void *open_program(void);

void *open_inner(const char *name, int flags)
{
	void *handle = dlopen(name, flags);

	/* Not the last call, so that this function stays the caller. */
	__asm__ volatile("" : "+r"(handle));
	return handle;
}

void *open_inner_base(const char *name, int flags)
{
	void *handle = dlmopen(LM_ID_BASE, name, flags);

	__asm__ volatile("" : "+r"(handle));
	return handle;
}

void *open_program(void)
{
	void *handle = dlopen(NULL, RTLD_NOW);

	__asm__ volatile("" : "+r"(handle));
	return handle;
}
