/* SPDX-License-Identifier: MIT */
/*
 * free-inside.c - frees an address inside an object.
 *
 * Usage: free-inside [SIZE [OFFSET]]
 */
#include "misuse.h"

int main(int argc, char **argv)
{
	size_t size = size_wanted(argc, argv);
	size_t offset = argc > 2 ? (size_t)atol(argv[2]) : 8;
	char *p = object_of(size);

	announce(p + offset);
	free(opaque(p + offset));
	free_others(size, 1000);
	return not_noticed();
}
