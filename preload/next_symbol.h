/* SPDX-License-Identifier: MIT */
/*
 * next_symbol.h - functions of the allocator behind us, by name.
 */
#ifndef PRELOAD_NEXT_SYMBOL_H
#define PRELOAD_NEXT_SYMBOL_H

#include "base/common.h"

/* A function that the next allocator may lack: NULL then.  Slow. */
void *next_symbol(const char *name);

/* Where the library of a function lies; NULL: in none. */
const void *next_library(void *function);

/*
 * Whether libc_malloc_debug.so stands between us and `libc`, the next one;
 * then its functions are found from now on.
 */
bool next_symbol_debugged(const void *libc);

#endif
