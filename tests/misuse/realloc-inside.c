/* SPDX-License-Identifier: MIT */
/*
 * realloc-inside.c - resizes an address inside an object.
 */
#include "misuse.h"

int main(int argc, char **argv)
{
	size_t size = size_wanted(argc, argv);
	char *p = object_of(size);

	announce(p + 8);
	p = realloc(opaque(p + 8), 1000);
	free_others(size, 1000);
	return not_noticed() + (p == NULL);
}
