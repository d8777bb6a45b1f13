/* SPDX-License-Identifier: MIT */
/*
 * double-free-later.c - frees an object, another, and the first again; then
 * frees others, 300 without a second argument, until a magazine is drained.
 *
 * Usage: double-free-later [SIZE [OTHERS]]
 */
#include "misuse.h"

int main(int argc, char **argv)
{
	size_t size = size_wanted(argc, argv);
	void *p = object_of(size);
	void *q = object_of(size);
	int others = argc > 2 ? atoi(argv[2]) : 300;
	static void *other[10000];

	for (int i = 0; i < others; i++)
		other[i] = object_of(size);
	announce(p);
	free(p);
	free(q);
	free(opaque(p));
	for (int i = 0; i < others; i++)
		free(other[i]);
	return not_noticed();
}
