/* SPDX-License-Identifier: MIT */
/*
 * pages.h - what other pools ask of a page source.
 */
#ifndef POOL_PAGES_H
#define POOL_PAGES_H

#include "base/common.h"
#include "mempool/pages.h"

/*
 * `bytes` rounded up to a block, aligned to `align` at least, a power of two.
 * What is larger than the highest order is mapped by itself, in whole pages,
 * and counts towards the limit as well.  *got: bytes that are usable.  NULL
 * with ENOMEM.  `pages` NULL: the source of the process.  `bytes` 0 is taken
 * for 1.
 */
void *pages_take(struct mempool_pages *pages, size_t bytes, size_t align,
		 size_t *got);

/* The same `got` as pages_take() said.  NULL does nothing. */
void pages_give(struct mempool_pages *pages, void *block, size_t got);

#endif
