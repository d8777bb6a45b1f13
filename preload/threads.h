/* SPDX-License-Identifier: MIT */
/*
 * threads.h - glibc's arenas, once a program has threads, or a wide border.
 */
#ifndef PRELOAD_THREADS_H
#define PRELOAD_THREADS_H

/*
 * Has glibc keep more free memory at the end of an arena, unless the user has
 * set how much; once.  Calls it.
 */
void threads_raise_trim(void);

#endif
