/* SPDX-License-Identifier: MIT */
/*
 * double-free-far.c - frees an object whose first free was drained long ago,
 * and goes on freeing.
 */
#include "misuse.h"

int main(int argc, char **argv)
{
	size_t size = size_wanted(argc, argv);
	void *p, *other[5000];

	for (int i = 0; i < 2500; i++)
		other[i] = object_of(size);
	p = object_of(size);
	for (int i = 2500; i < 5000; i++)
		other[i] = object_of(size);
	announce(p);
	for (int i = 0; i < 4500; i++) {
		/* Some stay, so that no slab is given back. */
		if (i % 40)
			free(other[i]);
		if (i == 2000)
			free(p);
	}
	free(opaque(p));
	for (int i = 4500; i < 5000; i++)
		free(other[i]);
	return not_noticed();
}
