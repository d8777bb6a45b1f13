/* SPDX-License-Identifier: MIT */
/*
 * ifunc.c - a preloaded library whose IFUNC resolver allocates.
 *
 * The resolver runs while ld.so relocates the library: no constructor has run
 * yet, and there is no environment.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int answer(void)
{
	return 42;
}

__attribute__((used)) static int (*resolve(void))(void)
{
	for (unsigned i = 0; i < 300; i++) {
		char *p = malloc(i);
		char *q = calloc(1, i);

		if (!p || !q)
			abort();
		memset(p, 1, i);
		p = realloc(p, i + 1);
		if (!p || (i && p[i - 1] != 1))
			abort();
		free(p);
		free(q);
	}
	return answer;
}

/* Static, so that ld.so resolves it at start and not at the first call. */
static int resolved_early(void) __attribute__((ifunc("resolve")));

__attribute__((constructor)) static void begin(void)
{
	if (resolved_early() != 42)
		abort();
}
