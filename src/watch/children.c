/* SPDX-License-Identifier: MIT */
/*
 * children.c - the children that this process, and they in turn, have forked.
 *
 * Each writes itself down, in memory that all of them share: the parent is not
 * told the number of its child, and a fork may have failed.
 */
#include "watch/children.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
	uint32_t count;
	uint32_t ids[CHILDREN_MOST];
} * shared;

void children_start(void)
{
	int saved = errno;
	void *memory = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory != MAP_FAILED)
		shared = memory;
	errno = saved;
}

void children_add(void)
{
	uint32_t number;

	if (!shared || children_count() == CHILDREN_MOST)
		return;
	number = __atomic_fetch_add(&shared->count, 1, __ATOMIC_RELAXED);
	if (number < CHILDREN_MOST)
		__atomic_store_n(&shared->ids[number], (uint32_t)getpid(),
				 __ATOMIC_RELAXED);
}

uint32_t children_count(void)
{
	if (!shared)
		return 0;
	return min_of(__atomic_load_n(&shared->count, __ATOMIC_RELAXED),
		      (uint32_t)CHILDREN_MOST);
}

uint32_t children_at(uint32_t number)
{
	return __atomic_load_n(&shared->ids[number], __ATOMIC_RELAXED);
}
