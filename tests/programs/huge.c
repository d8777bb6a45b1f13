/* SPDX-License-Identifier: MIT */
/*
 * huge.c - how much of the pools the kernel may put on large pages.
 *
 * Usage: huge MIB - so much in objects of 128 bytes.  Prints the KiB of the
 * mappings among them that have been advised so.
 */
#include "check.h"

enum { SIZE = 128, LINE = 512 };

/* The lowest and the highest object. */
static uintptr_t low = UINTPTR_MAX, high;

static void take(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uintptr_t p = (uintptr_t)malloc(SIZE);

		CHECK(p);
		low = p < low ? p : low;
		high = p > high ? p : high;
	}
}

int main(int argc, char **argv)
{
	unsigned long from = 0, to = 0, advised = 0;
	char line[LINE];
	FILE *maps;

	CHECK(argc > 1);
	take(((size_t)atoi(argv[1]) << 20) / SIZE);
	maps = fopen("/proc/self/smaps", "r");
	CHECK(maps);
	while (fgets(line, sizeof(line), maps)) {
		sscanf(line, "%lx-%lx ", &from, &to);
		if (!strncmp(line, "VmFlags:", 8) && strstr(line, " hg") &&
		    from <= high && to > low)
			advised += to - from;
	}
	printf("%lu\n", advised >> 10);
	return 0;
}
