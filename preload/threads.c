/* SPDX-License-Identifier: MIT */
/*
 * threads.c - glibc's arenas, once a program has threads, or a wide border.
 *
 * glibc gives the end of an arena back to the kernel when more than 128 KiB of
 * it are free, and takes it again at the next request.  Small blocks that
 * threads keep used to lie there and stop it; now they lie in the pools, and
 * threads that allocate and free a few hundred kilobytes of larger blocks
 * fault them in each time: three times the time of glibc alone, and 60 page
 * faults for each short thread.
 *
 * glibc sets the limit higher by itself, unless mallopt or GLIBC_TUNABLES have
 * set it: when a block that was mapped by itself is freed, those of its size
 * are expected again, and twice as much may lie at the end.  So one such block
 * is freed when the second thread comes.  The first that a thread asks for may
 * lie in its arena (2.42 and later), the next cannot.
 *
 * With a wide border it is the same in the main arena of a single thread:
 * nothing but large blocks is left there.
 */
#include <errno.h>

#include "heap/cache_enter.h"
#include "next.h"
#include "threads.h"

/* Short threads 0.72 of glibc's time.  256 KiB: long ones were trimmed yet. */
enum { ENOUGH = 512 << 10 };

ASIDE void heap_has_threads(void)
{
	threads_raise_trim();
}

ASIDE void threads_raise_trim(void)
{
	static bool done;
	int saved = errno;
	void *first, *mapped;

	if (!next_glibc_malloc ||
	    __atomic_exchange_n(&done, true, __ATOMIC_RELAXED))
		return;
	first = next_glibc_malloc(ENOUGH);
	mapped = next_glibc_malloc(ENOUGH);
	next_glibc_free(mapped);
	next_glibc_free(first);
	errno = saved;
}
