/* SPDX-License-Identifier: MIT */
/*
 * realloc-freed.c - realloc of an object that its slab knows to be free.
 *
 * Usage: realloc-freed [SIZE [NEW_SIZE]]
 */
#include "misuse.h"

#include <malloc.h>

int main(int argc, char **argv)
{
	static void *other[1000];
	size_t size = size_wanted(argc, argv);
	size_t new_size = argc > 2 ? (size_t)atol(argv[2]) : 200;
	void *p;

	for (int i = 0; i < 1000; i++)
		other[i] = object_of(size);
	p = other[500];
	announce(p);
	for (int i = 0; i < 1000; i++)
		if (i % 7)
			free(other[i]);
	malloc_trim(0);
	opaque(realloc(opaque(p), new_size));
	return not_noticed();
}
