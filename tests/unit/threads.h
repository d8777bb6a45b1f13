/* SPDX-License-Identifier: MIT */
/*
 * threads.h - threads and child processes that must start and end well.
 */
#ifndef UNIT_THREADS_H
#define UNIT_THREADS_H

#include <pthread.h>
#include <sys/wait.h>

static inline pthread_t start_thread(void *(*body)(void *), void *arg)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, body, arg), 0);
	return thread;
}

/* What the thread returned. */
static inline void *join_thread(pthread_t thread)
{
	void *result;

	assert_int_equal(pthread_join(thread, &result), 0);
	return result;
}

static inline void *run_thread(void *(*body)(void *), void *arg)
{
	return join_thread(start_thread(body, arg));
}

static inline void start_threads(pthread_t *threads, int n,
				 void *(*body)(void *), void *arg)
{
	for (int i = 0; i < n; i++)
		threads[i] = start_thread(body, arg);
}

static inline void join_threads(const pthread_t *threads, int n)
{
	for (int i = 0; i < n; i++)
		join_thread(threads[i]);
}

/* How the child ended, as waitpid() says it. */
static inline int status_of(pid_t child)
{
	int status;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static inline void assert_child_succeeds(pid_t child)
{
	assert_int_equal(status_of(child), 0);
}

#endif
