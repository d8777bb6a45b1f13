/* SPDX-License-Identifier: MIT */
/*
 * short_mixed_threads.c - threads that live shortly and use small and larger
 * blocks: they find memory warm that others left.
 *
 * With "kept", what the program has set by mallopt holds with threads, too.
 */
#include "check.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>

enum {
	ROUNDS = 12,
	THREADS = 60,
	BLOCKS = 500,
	FAULTS_A_THREAD = 25, /* 8 with glibc, 60 where its arenas are cut */
};

static void *work(void *argument)
{
	size_t id = (size_t)argument;
	char *block[BLOCKS];

	for (size_t i = 0; i < BLOCKS; i++) {
		block[i] = malloc(16 + i * id % 1500);
		memset(block[i], 1, 16);
	}
	for (size_t i = 0; i < BLOCKS; i++)
		free(block[i]);
	return NULL;
}

static void run_threads(size_t count)
{
	pthread_t thread[THREADS];

	for (size_t i = 0; i < count; i++)
		CHECK(pthread_create(&thread[i], NULL, work, (void *)i) == 0);
	for (size_t i = 0; i < count; i++)
		pthread_join(thread[i], NULL);
}

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

static void later_threads_fault_little(void)
{
	long before;

	run_threads(THREADS);
	before = faults();
	for (int round = 0; round < ROUNDS; round++)
		run_threads(THREADS);
	CHECK_THAT(faults() - before < ROUNDS * THREADS * FAULTS_A_THREAD,
		   "%ld faults of %d threads", faults() - before,
		   ROUNDS * THREADS);
}

static void what_mallopt_has_set_holds(void)
{
	size_t mapped;
	void *block;

	CHECK(mallopt(M_MMAP_THRESHOLD, 200000) == 1);
	run_threads(4);
	mapped = mallinfo2().hblks;
	block = malloc(300000);
	CHECK(block && mallinfo2().hblks == mapped + 1);
	free(block);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "kept") == 0)
		what_mallopt_has_set_holds();
	else
		later_threads_fault_little();
	return all_held();
}
