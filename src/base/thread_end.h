/*
 * thread_end.h - a function that is called when a thread ends, however late in
 * its life the thread asked for that.
 */
#ifndef BASE_THREAD_END_H
#define BASE_THREAD_END_H

#include <pthread.h>

#include "base/common.h"

/* key is changed by any thread; it belongs to thread_end.c. */
struct thread_end {
	pthread_key_t key;
	void (*end)(void *value);
};

/* Once, before the others.  False: there is no key left. */
bool thread_end_start(struct thread_end *e, void (*end)(void *value));

/*
 * Has end(value) called when this thread ends; `value` is not NULL.  False: it
 * will not be called.  May allocate.  errno is preserved.
 */
bool thread_end_watch(struct thread_end *e, void *value);

#endif
