/* SPDX-License-Identifier: MIT */
/*
 * use-after-free-rare.c - of many objects one in 1000 is read after its free.
 *
 * Usage: use-after-free-rare [SIZE [MILLIONS]]
 */
#include "misuse.h"

int main(int argc, char **argv)
{
	size_t size = size_wanted(argc, argv);
	long count = (argc > 2 ? atol(argv[2]) : 100) * 1000000;

	announce(NULL);
	for (long i = 0; i < count; i++) {
		volatile char *p = opaque(malloc(size));

		*p = 1;
		free((void *)p);
		if (i % 1000 == 0)
			(void)*p;
	}
	return not_noticed();
}
