/* SPDX-License-Identifier: MIT */
/*
 * fresh.h - the profile of a program that runs, as it is now.
 */
#ifndef MPOOL_FRESH_H
#define MPOOL_FRESH_H

#include <stdbool.h>

#include "page.h"

/*
 * Has the program of this page write its profile, and waits for that, so many
 * ms.  NULL, or why there is none to be had.
 */
const char *fresh_profile(const struct page *page, int patience_ms);

/* Whether there is a file that is a profile, and not cut. */
bool fresh_is_whole(const char *path);

/*
 * `what` is a file's name, which is returned, or a process id: then its
 * profile is written anew, and its name is returned.  Dies when it cannot.
 */
const char *fresh_path(const char *what);

#endif
