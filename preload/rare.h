/* SPDX-License-Identifier: MIT */
/*
 * rare.h - for what another allocator, first in line, may have given out.
 */
#ifndef PRELOAD_RARE_H
#define PRELOAD_RARE_H

/* Frees what libc got from the malloc that the program itself would call. */
void free_first(void *p);

#endif
