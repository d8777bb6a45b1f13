/* SPDX-License-Identifier: MIT */
/*
 * locked.c - mlockall(MCL_CURRENT | MCL_FUTURE), as real-time programs do.
 *
 * What is locked must be what is used, not an address range set aside.
 *
 * Usage: locked [now]
 *   now  MCL_CURRENT alone, and that must work
 */
#include "check.h"

#include <sys/mman.h>

enum { OBJECTS = 20000 };

static void *object[OBJECTS];

int main(int argc, char **argv)
{
	long resident;

	(void)argv;
	free(opaque(malloc(1)));
	if (argc > 1) {
		CHECK(!mlockall(MCL_CURRENT));
		return all_held();
	}
	if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
		if (errno == EPERM || errno == ENOMEM)
			skip("memory may not be locked here");
		CHECK(!"mlockall");
	}
	for (int round = 0; round < 3; round++) {
		for (unsigned i = 0; i < OBJECTS; i++) {
			object[i] = malloc(i % 150);
			CHECK(object[i]);
			fill(object[i], i % 150, i);
		}
		for (unsigned i = 0; i < OBJECTS; i++) {
			CHECK(intact(object[i], i % 150, i));
			free(object[i]);
		}
	}
	resident = status_kib("VmRSS:");
	CHECK_THAT(resident < 100 << 10, "%ld KiB are resident", resident);
	CHECK(!munlockall());
	return all_held();
}
