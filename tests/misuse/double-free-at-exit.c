/* SPDX-License-Identifier: MIT */
/*
 * double-free-at-exit.c - a thread frees an object twice, with another in
 * between, and ends: its magazines are drained then.
 */
#include "misuse.h"

#include <pthread.h>

static size_t size;

static void *commit(void *unused)
{
	void *p = object_of(size);
	void *q = object_of(size);

	(void)unused;
	announce(p);
	free(p);
	free(q);
	free(opaque(p));
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	size = size_wanted(argc, argv);
	CHECK(!pthread_create(&thread, NULL, commit, NULL));
	pthread_join(thread, NULL);
	return not_noticed();
}
