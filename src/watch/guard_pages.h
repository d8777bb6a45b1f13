/* SPDX-License-Identifier: MIT */
/*
 * guard_pages.h - pages that nobody may touch, within one mapping.
 *
 * Linux marks single pages so since 6.13 (MADV_GUARD_INSTALL), which makes no
 * mapping more.  Where it cannot, or a page is pinned, mprotect does it: then
 * each run of open pages is a mapping, of which a process has only so many.
 */
#ifndef WATCH_GUARD_PAGES_H
#define WATCH_GUARD_PAGES_H

#include "base/common.h"

/* A mapping, all of it barred; NULL: the kernel refuses. */
void *guard_pages_map(size_t bytes);

/* Opens barred pages, to read and write: zeros.  False: they stay barred. */
bool guard_pages_open(uintptr_t from, uintptr_t to);

/* Bars pages; what was in them is gone.  False: they stay open. */
bool guard_pages_bar(uintptr_t from, uintptr_t to);

/* For a test: as on a kernel that cannot mark pages. */
void guard_pages_forget_marks(void);

#endif
