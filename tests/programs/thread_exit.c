/* SPDX-License-Identifier: MIT */
/*
 * thread_exit.c - destructors of thread-specific data allocate and free in
 * every round, the last one too, after any allocator's own have run.
 *
 * Usage: thread_exit [threads]
 */
#include "check.h"

#include <limits.h>
#include <pthread.h>

enum { KEYS = 8, OBJECTS = 400, AT_ONCE = 4 };

static pthread_key_t key[KEYS];
static int last_rounds;

/* What a thread keeps behind a key: its objects, how often it was here. */
struct kept {
	pthread_key_t key;
	int round;
	void *object[OBJECTS];
};

static void refill(struct kept *k)
{
	for (unsigned i = 0; i < OBJECTS; i++) {
		k->object[i] = malloc(i % 150);
		CHECK(k->object[i]);
		fill(k->object[i], i % 150, i);
	}
}

static void drain(struct kept *k)
{
	for (unsigned i = 0; i < OBJECTS; i++) {
		CHECK(intact(k->object[i], i % 150, i));
		free(k->object[i]);
	}
}

/* Comes back until the last round that POSIX promises, and then lets go. */
static void destroy(void *value)
{
	struct kept *k = value;

	drain(k);
	refill(k);
	free(calloc(3, 30));
	free(malloc(4000));
	if (++k->round < PTHREAD_DESTRUCTOR_ITERATIONS) {
		CHECK(!pthread_setspecific(k->key, k));
		return;
	}
	drain(k);
	free(k);
	__atomic_fetch_add(&last_rounds, 1, __ATOMIC_RELAXED);
}

static void *run(void *unused)
{
	(void)unused;
	for (int i = 0; i < KEYS; i++) {
		struct kept *k = malloc(sizeof(*k));

		CHECK(k);
		k->key = key[i];
		k->round = 0;
		refill(k);
		CHECK(!pthread_setspecific(key[i], k));
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 200;
	long before = 0, after;

	for (int i = 0; i < KEYS; i++)
		CHECK(!pthread_key_create(&key[i], destroy));
	for (int done = 0; done < threads; done += AT_ONCE) {
		pthread_t thread[AT_ONCE];

		for (int t = 0; t < AT_ONCE; t++)
			CHECK(!pthread_create(&thread[t], NULL, run, NULL));
		for (int t = 0; t < AT_ONCE; t++)
			pthread_join(thread[t], NULL);
		if (done <= threads / 4)
			before = status_kib("VmRSS:");
	}
	CHECK(last_rounds == threads / AT_ONCE * AT_ONCE * KEYS);
	after = status_kib("VmRSS:");
	CHECK_THAT(after - before < 4096, "RSS went from %ld to %ld KiB",
		   before, after);
	return all_held();
}
