/* SPDX-License-Identifier: MIT */
/*
 * refuses.c - a malloc that refuses the first two requests for 1 MiB: each
 * waits for the other, so that both have been refused before one asks again.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum { REFUSED = 1 << 20, TIMES = 2 };

extern void *__libc_malloc(size_t size);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_barrier_t refused;
static int asked;

static void prepare(void)
{
	pthread_barrier_init(&refused, NULL, TIMES);
}

void *malloc(size_t size)
{
	if (size != REFUSED ||
	    __atomic_fetch_add(&asked, 1, __ATOMIC_RELAXED) >= TIMES)
		return __libc_malloc(size);
	pthread_once(&once, prepare);
	pthread_barrier_wait(&refused);
	errno = ENOMEM;
	return NULL;
}
