/* SPDX-License-Identifier: MIT */
/*
 * crash.c - a small program that dumps core.
 */
#include "check.h"

int main(void)
{
	for (unsigned i = 0; i < 10000; i++) {
		char *p = malloc(i % 128 + 1);

		CHECK(p);
		*p = 1;
	}
	abort();
}
