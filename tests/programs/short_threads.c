/* SPDX-License-Identifier: MIT */
/*
 * short_threads.c - a hundred thousand short threads leave RSS flat.
 *
 * Usage: short_threads [threads]
 * Each allocates in every class, frees half, and leaves half to the main
 * thread; some never free what a thread before them made, some do.
 */
#include "check.h"

#include <pthread.h>

enum { AT_ONCE = 8, OBJECTS = 64 };

struct job {
	unsigned seed;
	void *object[OBJECTS];
};

static void *run(void *argument)
{
	struct job *job = argument;

	for (unsigned i = 0; i < OBJECTS; i++) {
		size_t size = i % (SMALL_CLASSES + 1) * CLASS_STEP;

		/* What the thread before left here. */
		free(job->object[i]);
		job->object[i] = malloc(size);
		CHECK(job->object[i]);
		memset(job->object[i], (int)job->seed, size);
	}
	for (unsigned i = job->seed % 2; i < OBJECTS; i += 2) {
		free(job->object[i]);
		job->object[i] = NULL;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned threads = argc > 1 ? (unsigned)atoi(argv[1]) : 100000;
	static struct job job[AT_ONCE];
	long before = 0, after;

	for (unsigned done = 0; done < threads; done += AT_ONCE) {
		pthread_t thread[AT_ONCE];

		for (unsigned t = 0; t < AT_ONCE; t++) {
			job[t].seed = done / AT_ONCE + t;
			CHECK(!pthread_create(&thread[t], NULL, run, &job[t]));
		}
		for (unsigned t = 0; t < AT_ONCE; t++)
			pthread_join(thread[t], NULL);
		if (done <= threads / 10)
			before = status_kib("VmRSS:");
		if (done % 1000 == 0)
			for (unsigned i = 0; i < OBJECTS; i++) {
				free(job[0].object[i]);
				job[0].object[i] = NULL;
			}
	}
	after = status_kib("VmRSS:");
	CHECK_THAT(after - before < 1024, "RSS went from %ld to %ld KiB",
		   before, after);
	return all_held();
}
