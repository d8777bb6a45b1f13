/* SPDX-License-Identifier: MIT */
/*
 * thread_end.h - a function that is called when a thread ends, however late in
 * its life the thread asked for that.
 */
#ifndef BASE_THREAD_END_H
#define BASE_THREAD_END_H

#include <pthread.h>

#include "base/common.h"

/* Once, before the other.  False: there is no key left. */
bool thread_end_start(pthread_key_t *key, void (*end)(void *value));

/*
 * Has end(value) called when this thread ends; `value` is not NULL, `end` and
 * `key` as above.  False: it will not be called.  May allocate, and change the
 * key.  errno is preserved.
 */
bool thread_end_watch(pthread_key_t *key, void (*end)(void *value),
		      void *value);

#endif
