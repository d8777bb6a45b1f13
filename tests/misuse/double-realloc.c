/* SPDX-License-Identifier: MIT */
/*
 * double-realloc.c - frees what realloc has moved away already.
 */
#include "misuse.h"

int main(int argc, char **argv)
{
	size_t size = size_wanted(argc, argv);
	void *p = object_of(size);
	void *moved;

	announce(p);
	moved = realloc(p, 1000);
	CHECK(moved);
	free(opaque(p));
	free_others(size, 1000);
	free(moved);
	return not_noticed();
}
