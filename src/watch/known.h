/* SPDX-License-Identifier: MIT */
/*
 * known.h - the leaks that a program itself knows of.
 */
#ifndef WATCH_KNOWN_H
#define WATCH_KNOWN_H

#include "base/out.h"

/*
 * What the program's __lsan_default_suppressions() returns, as a row of a
 * profile; nothing if it has none.  Calls it.
 */
void known_put(struct out *o);

#endif
