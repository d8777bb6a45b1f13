/* SPDX-License-Identifier: MIT */
/*
 * fork.h - the locks, held while the process forks.
 */
#ifndef PRELOAD_FORK_H
#define PRELOAD_FORK_H

/* Registers the handlers, unless a library that came before us has done it. */
void fork_start(void);

#endif
