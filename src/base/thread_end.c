/* SPDX-License-Identifier: MIT */
/*
 * thread_end.c - a function that is called when a thread ends.
 *
 * It is the destructor of a pthread key.  glibc calls destructors in the order
 * of the keys, and begins anew, up to PTHREAD_DESTRUCTOR_ITERATIONS times, as
 * long as values are set.  So who sets a value in the last round, in the
 * destructor of a higher key, is not called any more.  Ours is kept above the
 * program's therefore: new keys are the lowest that are free, and once those
 * right above ours are taken, we take a higher one, some further on.  The old
 * ones stay, for the threads that have a value there.
 *
 * Not seen: keys above ours whose neighbours below have been deleted.
 */
#include "base/thread_end.h"

#include <errno.h>

enum { AHEAD = 16 };

/* The lowest keys that are free; how many there were. */
static unsigned take_keys(pthread_key_t *keys, unsigned want,
			  void (*end)(void *value))
{
	unsigned got = 0;

	while (got < want && pthread_key_create(&keys[got], end) == 0)
		got++;
	return got;
}

/* The last of them becomes ours, and the program comes to use the others. */
static ASIDE void rise(pthread_key_t *key, void (*end)(void *value))
{
	pthread_key_t keys[AHEAD];
	unsigned got = take_keys(keys, AHEAD, end);

	if (!got)
		return;
	__atomic_store_n(key, keys[--got], __ATOMIC_RELAXED);
	while (got)
		pthread_key_delete(keys[--got]);
}

static bool is_below_others(pthread_key_t own, void (*end)(void *value))
{
	pthread_key_t lowest;

	if (pthread_key_create(&lowest, end) != 0)
		return false;
	pthread_key_delete(lowest);
	return lowest > own + 1;
}

static pthread_key_t load(const pthread_key_t *key)
{
	return __atomic_load_n(key, __ATOMIC_RELAXED);
}

bool thread_end_start(pthread_key_t *key, void (*end)(void *value))
{
	return pthread_key_create(key, end) == 0;
}

COLD bool thread_end_watch(pthread_key_t *key, void (*end)(void *value),
			   void *value)
{
	int saved = errno;
	bool watched;

	if (is_below_others(load(key), end))
		rise(key, end);
	watched = pthread_setspecific(load(key), value) == 0;
	errno = saved;
	return watched;
}
