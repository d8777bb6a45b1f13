/* SPDX-License-Identifier: MIT */
/*
 * pages_start.c - the page source of the process, before its first user.
 *
 * Its first user may hold the lock of a pool, and the roster's comes before
 * that; so it is entered there when the library is loaded.  Whoever comes
 * before, in a constructor of his own, enters it himself.
 */
#include "pool/pages_source.h"

__attribute__((constructor(102))) static void start(void)
{
	source_of(NULL);
}
