/* SPDX-License-Identifier: MIT */
/*
 * window_place.c - how far the pools lie from libc, from the stack and from
 * the program, in steps of 2 MiB.
 */
#include "check.h"

enum { STEP_LOG = 21 };

int main(void)
{
	uintptr_t pool = (uintptr_t)opaque(malloc(40));
	uintptr_t others[] = { (uintptr_t)getenv, (uintptr_t)&pool,
			       (uintptr_t)main };

	for (size_t i = 0; i < COUNT_OF(others); i++)
		printf("%ld ", (long)(others[i] - pool) >> STEP_LOG);
	puts("");
	return 0;
}
