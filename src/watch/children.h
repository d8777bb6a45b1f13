/* SPDX-License-Identifier: MIT */
/*
 * children.h - the children that this process, and they in turn, have forked.
 *
 * A child that is killed writes no profile, nor does one that becomes a program
 * without this library: who looks for their leaks afterwards knows of them from
 * here.  Only forks that are announced count: what vfork
 * and posix_spawn make becomes another program at once.  Of a process that
 * forks more often than CHILDREN_MOST the rest are not known.
 */
#ifndef WATCH_CHILDREN_H
#define WATCH_CHILDREN_H

#include "base/common.h"

enum { CHILDREN_MOST = 16383 };

/* Once, at start; without memory, none will be known. */
void children_start(void);

/* In a child whose fork was announced. */
void children_add(void);

/* How many are known, and the process id of each. */
uint32_t children_count(void);
uint32_t children_at(uint32_t number);

#endif
