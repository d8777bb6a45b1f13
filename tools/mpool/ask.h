/* SPDX-License-Identifier: MIT */
/*
 * ask.h - has a program that runs do something, through its page.
 */
#ifndef MPOOL_ASK_H
#define MPOOL_ASK_H

#include "page.h"

enum { ASK_PATIENCE_MS = 5000 };

/*
 * Asks the program of the page at `path`, and waits so many ms.  NULL when it
 * is done, or why it is not: then it will not be done later either.
 */
const char *ask(const char *path, enum page_want want, uint64_t period,
		int patience_ms);

#endif
