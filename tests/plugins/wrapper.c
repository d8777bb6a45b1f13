/* SPDX-License-Identifier: MIT */
/*
 * wrapper.c - malloc and free alone, wrapped over glibc's second names, as
 * tracers do.
 */
#include <stddef.h>

extern void *__libc_malloc(size_t size);
extern void __libc_free(void *p);

int wrapped_calls;

void *malloc(size_t size)
{
	wrapped_calls++;
	return __libc_malloc(size);
}

void free(void *p)
{
	wrapped_calls++;
	__libc_free(p);
}
