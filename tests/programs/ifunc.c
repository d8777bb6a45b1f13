/* SPDX-License-Identifier: MIT */
/*
 * ifunc.c - the program's own IFUNC resolver allocates.
 */
#include "check.h"

static void *kept[300];

static int answer(void)
{
	return 42;
}

__attribute__((used)) static int (*resolve(void))(void)
{
	for (unsigned i = 0; i < COUNT_OF(kept); i++) {
		kept[i] = malloc(i);
		if (kept[i])
			fill(kept[i], i, i);
		free(malloc(i));
	}
	return answer;
}

/* Static, so that ld.so resolves it at start and not at the first call. */
static int resolved_early(void) __attribute__((ifunc("resolve")));

int main(void)
{
	CHECK(resolved_early() == 42);
	for (unsigned i = 0; i < COUNT_OF(kept); i++) {
		CHECK(kept[i]);
		CHECK(intact(kept[i], i, i));
		free(kept[i]);
	}
	return all_held();
}
