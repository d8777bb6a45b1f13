/* SPDX-License-Identifier: MIT */
/*
 * guarded.c - a library with a lock that it keeps across fork, and under
 * which it allocates.
 *
 * Its constructor registers the fork handlers.  ld.so runs it before those of
 * the libraries that stand before it, as for one that a program links.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void take(void)
{
	pthread_mutex_lock(&mutex);
}

static void give(void)
{
	pthread_mutex_unlock(&mutex);
}

__attribute__((constructor)) static void begin(void)
{
	if (pthread_atfork(take, give, give) != 0)
		abort();
}

/* Allocates more than a thread keeps, so that shared stock is needed. */
void guarded_work(void);
void guarded_work(void)
{
	void *object[600];

	take();
	for (int i = 0; i < 600; i++)
		object[i] = malloc(40);
	for (int i = 0; i < 600; i++)
		free(object[i]);
	give();
}
