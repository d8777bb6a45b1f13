/* SPDX-License-Identifier: MIT */
/*
 * heap_bug.c - a mistake that sanitizers and valgrind find in small objects.
 *
 * Usage: heap_bug none|overflow|use-after-free|leak
 */
#include "check.h"

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "none";
	volatile char *p = malloc(40);
	void *other[200];

	CHECK(p);
	for (unsigned i = 0; i < COUNT_OF(other); i++) {
		other[i] = calloc(1, i);
		CHECK(other[i]);
	}
	p[39] = 1;
	if (strcmp(kind, "overflow") == 0)
		p[40] = 1;
	if (strcmp(kind, "leak") == 0)
		p = NULL;
	free((void *)p);
	if (strcmp(kind, "use-after-free") == 0)
		p[0] = 2;
	for (unsigned i = 0; i < COUNT_OF(other); i++)
		free(other[i]);
	return all_held();
}
