/* SPDX-License-Identifier: MIT */
/*
 * write-around.c - changes a byte at an offset from the object's start, which
 * the second argument tells: its end by default.  Then it is freed.
 */
#include "misuse.h"

int main(int argc, char **argv)
{
	size_t size = size_wanted(argc, argv);
	long offset = argc > 2 ? atol(argv[2]) : (long)size;
	char *p = object_of(size);

	announce(p);
	p[offset] = 1;
	free(opaque(p));
	return not_noticed();
}
