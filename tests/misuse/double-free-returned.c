/* SPDX-License-Identifier: MIT */
/*
 * double-free-returned.c - frees an object whose slab has been given back.
 */
#include "misuse.h"

#include <malloc.h>

int main(int argc, char **argv)
{
	static void *other[20000];
	size_t size = size_wanted(argc, argv);
	void *p;

	for (int i = 0; i < 20000; i++)
		other[i] = object_of(size);
	p = other[10000];
	announce(p);
	for (int i = 0; i < 20000; i++)
		free(other[i]);
	malloc_trim(0);
	free(opaque(p));
	return not_noticed();
}
