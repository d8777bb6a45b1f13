/* SPDX-License-Identifier: MIT */
/*
 * allocates.c - a plug-in that allocates for itself and for its opener, from
 * its constructor to its destructor.
 */
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

enum { KEPT = 500 };

static void *kept[KEPT];

static void *make(size_t size)
{
	return malloc(size);
}

static void *grow(void *p, size_t size)
{
	return realloc(p, size);
}

static void drop(void *p)
{
	free(p);
}

static char *copy(const char *text)
{
	return strdup(text);
}

static void *malloc_seen(void)
{
	void *(*seen)(size_t) = malloc;
	void *address;

	memcpy(&address, &seen, sizeof(address));
	return address;
}

extern const struct plugin plugin;
const struct plugin plugin = {
	.make = make,
	.grow = grow,
	.drop = drop,
	.copy = copy,
	.malloc_seen = malloc_seen,
};

__attribute__((constructor)) static void begin(void)
{
	for (int i = 0; i < KEPT; i++) {
		kept[i] = malloc((size_t)i);
		if (!kept[i])
			abort();
		memset(kept[i], i, (size_t)i);
	}
}

__attribute__((destructor)) static void end(void)
{
	for (int i = 0; i < KEPT; i++) {
		const unsigned char *bytes = kept[i];

		if (i && bytes[i - 1] != (unsigned char)i)
			abort();
		free(kept[i]);
	}
}
