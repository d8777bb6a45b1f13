/* SPDX-License-Identifier: MIT */
/*
 * cancelled.c - a thread that is to be cancelled allocates: malloc and free
 * are no cancellation points, whatever is recorded there.
 *
 * Its requests are small, or of BYTES if that is given.
 */
#include "check.h"

#include <pthread.h>

enum { OBJECTS = 4000, ROUNDS = 40, PAGE_AGE_MS = 1100 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t pending;
static size_t bytes = 40;
static int done;

static void fill_and_free(void)
{
	static void *p[OBJECTS];

	pthread_mutex_lock(&mutex);
	for (int i = 0; i < OBJECTS; i++) {
		p[i] = malloc(bytes + i % 5 * 16);
		CHECK(p[i]);
	}
	for (int i = 0; i < OBJECTS; i++)
		free(p[i]);
	pthread_mutex_unlock(&mutex);
}

static void *victim(void *unused)
{
	pthread_barrier_wait(&pending); /* no cancellation point */
	for (int i = 0; i < ROUNDS; i++)
		fill_and_free();
	done = 1;
	pthread_testcancel();
	return NULL;
}

static void *other(void *unused)
{
	fill_and_free();
	return NULL;
}

int main(int count, char **arguments)
{
	struct timespec age = { PAGE_AGE_MS / 1000,
				PAGE_AGE_MS % 1000 * 1000000 };
	pthread_t thread;
	void *result;

	if (count > 1)
		bytes = (size_t)atol(arguments[1]);
	nanosleep(&age, NULL); /* the page is due */
	pthread_barrier_init(&pending, NULL, 2);
	CHECK(!pthread_create(&thread, NULL, victim, NULL));
	CHECK(!pthread_cancel(thread));
	pthread_barrier_wait(&pending);
	CHECK(!pthread_join(thread, &result));
	CHECK(result == PTHREAD_CANCELED);
	CHECK(done);
	for (int i = 0; i < 4; i++) {
		CHECK(!pthread_create(&thread, NULL, other, NULL));
		CHECK(!pthread_join(thread, NULL));
	}
	puts("ok");
	return 0;
}
