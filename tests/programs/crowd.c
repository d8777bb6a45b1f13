/* SPDX-License-Identifier: MIT */
/*
 * crowd.c THREADS [SECONDS] - threads that allocate and free up to 128 bytes,
 * each with at most 200 objects at a time.  Without SECONDS they do so for a
 * while, then all are quiet till standard input ends; with SECONDS they go on
 * so long, and are replaced by new ones all the time.  Says "ready".
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { OBJECTS = 200, MOST = 64 };

static pthread_barrier_t all_quiet;
static int stays;

static void churn(uint32_t random, int rounds)
{
	void *objects[OBJECTS] = { 0 };

	while (rounds--) {
		random = random * 1664525 + 1013904223;
		free(objects[random % OBJECTS]);
		objects[random % OBJECTS] = malloc((random >> 16) % 128 + 1);
	}
	for (int i = 0; i < OBJECTS; i += stays ? 3 : 1)
		free(objects[i]);
}

static void *member(void *seed)
{
	churn((uint32_t)(uintptr_t)seed, 20000);
	if (stays) {
		pthread_barrier_wait(&all_quiet);
		for (;;)
			pause();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 4;
	time_t end = time(NULL) + (argc > 2 ? atoi(argv[2]) : 0);
	pthread_t threads[MOST];
	uintptr_t seed = 1;
	char byte;

	stays = argc < 3;
	count = count < MOST ? count : MOST;
	pthread_barrier_init(&all_quiet, NULL, (unsigned)count + 1);
	for (int i = 0; i < count; i++)
		pthread_create(&threads[i], NULL, member, (void *)seed++);
	if (stays)
		pthread_barrier_wait(&all_quiet);
	write(1, "ready\n", 6);
	for (int i = 0; !stays && time(NULL) < end; i = (i + 1) % count) {
		pthread_join(threads[i], NULL);
		pthread_create(&threads[i], NULL, member, (void *)seed++);
	}
	for (int i = 0; !stays && i < count; i++)
		pthread_join(threads[i], NULL);
	while (stays && read(0, &byte, 1) > 0)
		;
	return 0;
}
