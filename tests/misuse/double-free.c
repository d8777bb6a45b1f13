/* SPDX-License-Identifier: MIT */
/* double-free.c - frees the object freed last again, at once. */
#include "misuse.h"

int main(int argc, char **argv)
{
	void *p = object_of(size_wanted(argc, argv));

	announce(p);
	free(p);
	free(opaque(p));
	return not_noticed();
}
