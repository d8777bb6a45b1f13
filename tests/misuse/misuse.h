/* SPDX-License-Identifier: MIT */
/*
 * misuse.h - what the programs that misuse the allocator share.
 *
 * Each commits one crime, in the class of the size given as its argument (64
 * without one).  It is to be stopped by the library; "not noticed" and a
 * status of 0 mean that it was not.
 */
#ifndef MISUSE_H
#define MISUSE_H

#include "../programs/check.h"

#include <sys/resource.h>

static size_t size_wanted(int argc, char **argv)
{
	struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	return argc > 1 ? (size_t)atol(argv[1]) : 64;
}

/* An object of the size, used so that it is like any other. */
static void *object_of(size_t size)
{
	void *p = malloc(size);

	CHECK(p);
	memset(p, 1, size);
	return opaque(p);
}

/* So that the test can compare it with the pointer in the message. */
__attribute__((unused)) static void announce(const void *p)
{
	char line[64];

	snprintf(line, sizeof(line), "pointer %p\n", p);
	say(STDOUT_FILENO, line);
}

/* Frees so many others of the size that full magazines must be drained. */
__attribute__((unused)) static void free_others(size_t size, int count)
{
	static void *other[100000];

	for (int i = 0; i < count; i++)
		other[i] = object_of(size);
	for (int i = 0; i < count; i++)
		free(other[i]);
}

__attribute__((unused)) static int not_noticed(void)
{
	say(STDOUT_FILENO, "not noticed\n");
	return 0;
}

#endif
