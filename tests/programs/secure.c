/* SPDX-License-Identifier: MIT */
/*
 * secure.c - a program that the test makes set-user-ID and links directly
 * with libmpool.so: the environment of whoever runs it is not to be trusted.
 *
 * Says "secure" and allocates, or "plain" when the kernel does not think so.
 */
#include "check.h"

#include <sys/auxv.h>

int main(void)
{
	for (unsigned size = 0; size < 1000; size++) {
		void *p = malloc(size);

		CHECK(p);
		free(p);
	}
	say(STDOUT_FILENO, getauxval(AT_SECURE) ? "secure\n" : "plain\n");
	return 0;
}
