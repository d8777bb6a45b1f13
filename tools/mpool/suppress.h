/* SPDX-License-Identifier: MIT */
/*
 * suppress.h - leaks that are known, in LeakSanitizer's syntax.
 *
 * A file of lines "leak:PATTERN"; empty lines and those that begin with # are
 * comments.  PATTERN is looked for in the function, the source file and the
 * module of each frame; * stands for anything, ^ at its start and $ at its end
 * for the name's start and end.
 */
#ifndef MPOOL_SUPPRESS_H
#define MPOOL_SUPPRESS_H

#include "symbols.h"

struct suppressions;

/* Reads a file, or says what is wrong with it and where, and exits. */
struct suppressions *suppress_load(const char *path);

/* Those that the program itself has; what is wrong with them is said. */
struct suppressions *suppress_own(const struct profile *profile);
void suppress_free(struct suppressions *s);

/* Whether a pattern matches a frame of the stack.  NULL: none does. */
bool suppress_matches(const struct suppressions *s,
		      const struct profile *profile, struct symbols *symbols,
		      const struct stack *stack);

/* Matches one name, as described above. */
bool suppress_pattern(const char *pattern, const char *name);

#endif
