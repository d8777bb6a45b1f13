/* SPDX-License-Identifier: MIT */
/*
 * free-never-allocated.c - frees a good address that was never handed out:
 * the last whole object of the slab of 64 KiB in which another lies.
 */
#include "misuse.h"

int main(int argc, char **argv)
{
	size_t size = size_wanted(argc, argv);
	size_t step = (size + 15) / 16 * 16;
	uintptr_t slab = (uintptr_t)object_of(size) & ~(uintptr_t)0xffff;
	void *p = (void *)(slab + (0x10000 / step - 1) * step);

	announce(p);
	free(opaque(p));
	/* Drained at the latest with these. */
	free_others(size, 300);
	return not_noticed();
}
