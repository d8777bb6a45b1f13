/* SPDX-License-Identifier: MIT */
/*
 * double-free-across-threads.c - two threads free the same object.
 */
#include "misuse.h"

#include <pthread.h>

static size_t size;
static void *shared;

static void *commit(void *unused)
{
	(void)unused;
	free(opaque(shared));
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	size = size_wanted(argc, argv);
	shared = object_of(size);
	announce(shared);
	for (int i = 0; i < 2; i++) {
		CHECK(!pthread_create(&thread, NULL, commit, NULL));
		pthread_join(thread, NULL);
	}
	free_others(size, 1000);
	return not_noticed();
}
