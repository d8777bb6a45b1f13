/* SPDX-License-Identifier: MIT */
/*
 * free-range.c - frees an address far beyond all objects, where a large
 * address range was set aside but holds nothing yet.
 */
#include "misuse.h"

int main(int argc, char **argv)
{
	char *p = object_of(size_wanted(argc, argv));

	p = (char *)((uintptr_t)p & ~(uintptr_t)0xffff) + (8 << 20);
	announce(p);
	free(opaque(p));
	free_others(64, 300);
	return not_noticed();
}
