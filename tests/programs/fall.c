/* SPDX-License-Identifier: MIT */
/*
 * fall.c - the heap rises and falls, and the program goes on.
 *
 * Usage: fall batch|pair|large - what it does then: 3000 small objects at a
 * time, one at a time, or blocks that are not for the pools.
 *
 * Right after the first fall a part of the memory may be there yet, for the
 * next rise; all but a twentieth must go in time.  Where it does not, this
 * does not end.
 */
#include "check.h"

#include <stdbool.h>

enum {
	MIB = 256,
	SIZE = 64,
	COUNT = (MIB << 20) / SIZE,
	KEPT_AT_ONCE_MIB = MIB / 3,
	BATCH = 3000,
	LARGE = 1000,
};

static void *object[COUNT];

static void take(size_t count, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		object[i] = malloc(size);
		CHECK(object[i]);
		*(char *)object[i] = 1;
	}
}

static void give(size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(object[i]);
}

static void go_on(const char *how)
{
	bool large = !strcmp(how, "large");
	size_t count = strcmp(how, "batch") ? 1 : BATCH;

	for (int i = 0; i < 1000; i++) {
		take(count, large ? LARGE : SIZE);
		give(count);
	}
}

int main(int argc, char **argv)
{
	long before, most = MIB * 1024L / 20;

	CHECK(argc > 1);
	memset(object, 1, sizeof(object));
	before = status_kib("VmRSS:");
	take(COUNT, SIZE);
	give(COUNT);
	CHECK(status_kib("VmRSS:") - before <= KEPT_AT_ONCE_MIB * 1024L);
	for (int rise = 0; rise < 2; rise++) {
		take(COUNT, SIZE);
		give(COUNT);
		while (status_kib("VmRSS:") - before > most)
			go_on(argv[1]);
	}
	say(STDOUT_FILENO, "ok\n");
	return 0;
}
