/* SPDX-License-Identifier: MIT */
/*
 * many_mappings.c - more large objects than a process may have mappings.
 *
 * None of them is touched, so they take addresses and little memory.
 */
#include "check.h"

enum { SIZE = 17 << 12, SPARE = 1000 };

static size_t mappings(void)
{
	FILE *limit = fopen("/proc/sys/vm/max_map_count", "r");
	size_t most = 0;

	CHECK(limit && fscanf(limit, "%zu", &most) == 1);
	if (limit)
		fclose(limit);
	return most;
}

int main(void)
{
	size_t count = mappings() + SPARE;
	char **objects = calloc(count, sizeof(*objects));

	CHECK(objects);
	for (size_t i = 0; i < count; i++) {
		objects[i] = malloc(SIZE);
		CHECK_THAT(objects[i], "no %zuth of %zu", i, count);
	}
	objects[count - 1] = realloc(objects[count - 1], SIZE + 1);
	objects[0] = realloc(objects[0], SIZE + 1);
	CHECK(objects[0] && objects[count - 1]);
	for (size_t i = 0; i < count; i++)
		free(objects[i]);
	free(objects);
	return all_held();
}
