/* SPDX-License-Identifier: MIT */
/*
 * generations.c - memory outlives the thread that made it.
 *
 * Each generation of threads checks and frees what the one before made, and
 * makes as much for the next (larson's pattern); RSS stays flat.
 */
#include "check.h"

#include <pthread.h>

enum { THREADS = 4, GENERATIONS = 60, OBJECTS = 5000 };

static struct {
	unsigned char *p;
	size_t size;
} object[THREADS][OBJECTS];

static void *replace_all(void *number)
{
	unsigned row = (unsigned)(uintptr_t)number;
	uint32_t state = row + 17;

	for (unsigned i = 0; i < OBJECTS; i++) {
		size_t size = random_next(&state) % 200;

		CHECK(intact(object[row][i].p, object[row][i].size, i));
		if (i % 5 == 0) {
			object[row][i].p = realloc(object[row][i].p, size + 1);
		} else {
			free(object[row][i].p);
			object[row][i].p = malloc(size + 1);
		}
		CHECK(object[row][i].p);
		object[row][i].size = size;
		fill(object[row][i].p, size, i);
	}
	return NULL;
}

int main(void)
{
	long before = 0, after;

	for (int generation = 0; generation < GENERATIONS; generation++) {
		pthread_t thread[THREADS];

		/* Rows move on, so nobody frees what his like allocated. */
		for (int t = 0; t < THREADS; t++)
			CHECK(!pthread_create(
				&thread[t], NULL, replace_all,
				(void *)(uintptr_t)((t + generation) %
						    THREADS)));
		for (int t = 0; t < THREADS; t++)
			pthread_join(thread[t], NULL);
		if (generation == GENERATIONS / 4)
			before = status_kib("VmRSS:");
	}
	after = status_kib("VmRSS:");
	for (int row = 0; row < THREADS; row++)
		for (unsigned i = 0; i < OBJECTS; i++) {
			CHECK(intact(object[row][i].p, object[row][i].size, i));
			free(object[row][i].p);
		}
	CHECK_THAT(after - before < 4096, "RSS went from %ld to %ld KiB",
		   before, after);
	return all_held();
}
