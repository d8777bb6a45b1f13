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
static RARE void rise(struct thread_end *e)
{
	pthread_key_t keys[AHEAD];
	unsigned got = take_keys(keys, AHEAD, e->end);

	if (!got)
		return;
	__atomic_store_n(&e->key, keys[--got], __ATOMIC_RELAXED);
	while (got)
		pthread_key_delete(keys[--got]);
}

static bool is_below_others(const struct thread_end *e)
{
	pthread_key_t own = __atomic_load_n(&e->key, __ATOMIC_RELAXED), lowest;

	if (pthread_key_create(&lowest, e->end) != 0)
		return false;
	pthread_key_delete(lowest);
	return lowest > own + 1;
}

bool thread_end_start(struct thread_end *e, void (*end)(void *value))
{
	e->end = end;
	return pthread_key_create(&e->key, end) == 0;
}

bool thread_end_watch(struct thread_end *e, void *value)
{
	int saved = errno;
	bool watched;

	if (is_below_others(e))
		rise(e);
	watched =
		pthread_setspecific(__atomic_load_n(&e->key, __ATOMIC_RELAXED),
				    value) == 0;
	errno = saved;
	return watched;
}
