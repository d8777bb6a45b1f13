/* SPDX-License-Identifier: MIT */
/*
 * calloc_zero.c - calloc gives zeroes, from used memory too.
 *
 * With "chained" another allocator has the larger blocks, and may zero no more
 * of them than was asked for.
 */
#include "check.h"

#include <malloc.h>

enum { OBJECTS = 4000, ROUNDS = 6 };

static unsigned char *object[OBJECTS];

static int chained;

/* All of what is usable: programs take malloc_usable_size() at its word. */
static void all_zero(unsigned char *p, size_t asked)
{
	size_t size = malloc_usable_size(p);

	if (chained && asked > SMALL_MAX)
		size = asked;
	for (size_t i = 0; i < size; i++)
		CHECK_THAT(p[i] == 0, "byte %zu of %zu is %#x", i, size, p[i]);
}

/* Objects full of ones, freed, come back as zeroes. */
static void used_memory_comes_back_zeroed(size_t size)
{
	for (int round = 0; round < ROUNDS; round++) {
		int count = size > 4096 ? OBJECTS / 40 : OBJECTS;

		for (int i = 0; i < count; i++) {
			object[i] = calloc(1 + (i % 2), size);
			CHECK(object[i]);
			all_zero(object[i], size * (1 + (size_t)(i % 2)));
			memset(object[i], 0xff, malloc_usable_size(object[i]));
		}
		for (int i = 0; i < count; i++)
			free(object[i]);
		if (round == ROUNDS / 2)
			malloc_trim(0);
	}
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = {
		1,  8,	15, 16,	 17,  24,  32,	33,  48,    60,
		64, 65, 90, 112, 127, 128, 129, 200, 10000, 200000,
	};

	chained = argc > 1 && strcmp(argv[1], "chained") == 0;
	for (size_t i = 0; i < COUNT_OF(sizes); i++)
		used_memory_comes_back_zeroed(sizes[i]);
	for (size_t count = 1; count <= 200; count++) {
		for (size_t size = 1; size <= 20; size++) {
			unsigned char *p = calloc(count, size);

			CHECK(p);
			all_zero(p, count * size);
			memset(p, 0xff, malloc_usable_size(p));
			free(p);
		}
	}
	return all_held();
}
