/* SPDX-License-Identifier: MIT */
/*
 * sawtooth.c - sizes that rise over eight threads, and what stays of each rise.
 *
 * Usage: sawtooth ROUNDS
 *
 * Each round eight threads allocate objects of one size range and eight others
 * free all but one in 400, which stay for good.  Prints the resident memory
 * at the end in KiB.
 */
#include "check.h"

#include <pthread.h>

enum { THREADS = 8, EACH = 40000, ONE_IN = 400, STEP = 37, RANGE = 16 };

static void *objects[THREADS][EACH];
static size_t least;

static void *rise(void *mine)
{
	void **p = mine;

	for (size_t i = 0; i < EACH; i++) {
		size_t size = least + i * 7 % RANGE;

		p[i] = malloc(size);
		CHECK(p[i]);
		memset(p[i], 1, size);
	}
	return NULL;
}

static void *fall(void *mine)
{
	void **p = mine;

	for (size_t i = 0; i < EACH; i++)
		if ((i * 2654435761u >> 8) % ONE_IN)
			free(p[i]);
	return NULL;
}

static void on_threads(void *(*body)(void *), size_t shift)
{
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, body,
				      objects[(i + shift) % THREADS]));
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	CHECK(argc > 1);
	for (size_t round = 0; round < (size_t)atoi(argv[1]); round++) {
		least = 1 + round * STEP % (SMALL_MAX - RANGE + 1);
		on_threads(rise, 0);
		on_threads(fall, round);
	}
	printf("%ld\n", status_kib("VmRSS:"));
	return 0;
}
