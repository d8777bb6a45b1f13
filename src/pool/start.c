/* SPDX-License-Identifier: MIT */
/*
 * start.c - the library's start, for whoever comes first.
 *
 * What there is to start is above all who ask for it: library.c.
 */
#include "pool/start.h"

#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_t starter; /* 0: nobody, or done */

static void start_once(void)
{
	__atomic_store_n(&starter, pthread_self(), __ATOMIC_RELAXED);
	start_parts();
	__atomic_store_n(&starter, 0, __ATOMIC_RELAXED);
}

/*
 * A program's malloc may be made of our pools, and what we call at start
 * allocates: the thread that starts the library passes.
 */
void start_library(void)
{
	if (__atomic_load_n(&starter, __ATOMIC_RELAXED) != pthread_self())
		pthread_once(&once, start_once);
}
