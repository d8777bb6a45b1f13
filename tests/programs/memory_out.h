/* SPDX-License-Identifier: MIT */
/*
 * memory_out.h - bringing a program to the end of its memory, safely.
 *
 * RLIMIT_AS ends mappings; it leaves an address range that was set aside
 * before.  RLIMIT_DATA ends those too: making such a range writable counts.
 * Nothing that is taken here beyond the small objects is ever touched.
 */
#ifndef MEMORY_OUT_H
#define MEMORY_OUT_H

#include "check.h"

/* No test needs more objects of one class than this. */
enum { OBJECTS_MAX = 1 << 20 };

/* Objects taken with memory out, filed in memory that was there before. */
static void *taken[OBJECTS_MAX];

/* Puts a list of blocks of one size in front of *list, until none is left. */
__attribute__((unused)) static void eat(void **list, size_t size)
{
	void **block;

	for (int i = 0; i < 1000000; i++) {
		block = (void **)malloc(size);
		if (!block)
			return;
		*block = *list;
		*list = block;
	}
	CHECK_THAT(0, "no end of blocks of %zu", size);
}

__attribute__((unused)) static void give_back(void **list)
{
	while (*list) {
		void **block = (void **)*list;

		*list = *block;
		free(block);
	}
}

/*
 * Takes objects of a size into taken[from...], at most `want`; how many.
 * Fewer come with ENOMEM.  They are not touched.
 */
__attribute__((unused)) static size_t take_up_to(size_t size, size_t from,
						 size_t want)
{
	size_t count = 0;

	while (count < want && from + count < OBJECTS_MAX) {
		errno = 0;
		taken[from + count] = malloc(size);
		if (!taken[from + count]) {
			CHECK(errno == ENOMEM);
			break;
		}
		count++;
	}
	return count;
}

/*
 * Makes the pages of taken[] present, so that filing needs none, and the first
 * small request, with which the pools are set up.
 */
__attribute__((unused)) static void get_ready(void)
{
	free(malloc(1));
	for (size_t i = 0; i < OBJECTS_MAX; i += 256)
		*(void *volatile *)&taken[i] = NULL;
}

#endif
