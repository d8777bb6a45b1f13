/* SPDX-License-Identifier: MIT */
/*
 * orphan.c - whether this process is a child that nobody announced.
 */
#include "watch/orphan.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/sys.h"

uint32_t *orphan_mark;

void orphan_start(void)
{
	int saved = errno;
	uint32_t *page;

	if (orphan_mark)
		return;
	page = sys_map(NULL, sys_page());
	if (page && madvise(page, sys_page(), MADV_WIPEONFORK) == 0) {
		*page = 1;
		orphan_mark = page;
	} else if (page) {
		sys_unmap(page, sys_page());
	}
	errno = saved;
}

void orphan_announced(void)
{
	if (orphan_mark)
		__atomic_store_n(orphan_mark, 1, __ATOMIC_RELAXED);
}
