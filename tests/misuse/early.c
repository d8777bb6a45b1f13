/* SPDX-License-Identifier: MIT */
/*
 * early.c - a crime in a program that has just begun, then a large request.
 *
 * Usage: early CRIME [SIZE]
 */
#include "misuse.h"

enum { WARM = 300, PAIRS = 1024 };

static void commit(const char *crime, char *p, size_t size)
{
	if (strcmp(crime, "interleaved") == 0) {
		char *q = object_of(size);

		free(p);
		free(q);
		free(opaque(p));
	} else if (strcmp(crime, "delayed") == 0) {
		free(p);
		for (int i = 0; i < PAIRS; i++)
			free(opaque(malloc(size)));
		free(opaque(p));
	} else {
		free(opaque(p + atoi(crime)));
	}
}

int main(int argc, char **argv)
{
	size_t size = size_wanted(argc - 1, argv + 1);
	char *p;

	CHECK(argc > 1);
	free_others(size, WARM);
	p = object_of(size);
	announce(p + atoi(argv[1]));
	commit(argv[1], p, size);
	CHECK(opaque(malloc(4096)));
	return not_noticed();
}
