/* SPDX-License-Identifier: MIT */
/*
 * reserve_wait.c - with everything empty, malloc waits for a free: MPOOL_WAIT.
 *
 * Usage: reserve_wait woken|crowd|timeout|released|none MS
 *   woken     one free of another thread wakes a waiter, before MS is over
 *   crowd     four waiters, four frees, by two threads
 *   timeout   nobody frees: NULL with ENOMEM after about MS milliseconds
 *   released  nobody frees, but the limit is lifted while it waits: no NULL
 *   none      MPOOL_WAIT is not set: NULL at once
 */
#include "memory_out.h"
#include "snapshot.h"

#include <pthread.h>

enum { WAITERS = 4 };

static pthread_barrier_t empty, over;
static size_t wanted;

struct waiter {
	pthread_t thread;
	void *got;
	int reason;
	double waited_ms;
};

static void *want_one(void *argument)
{
	struct waiter *w = argument;
	double start;

	for (;;) {
		pthread_barrier_wait(&empty);
		if (wanted == 0)
			return NULL;
		start = now_ms();
		errno = 0;
		w->got = malloc(wanted);
		w->reason = errno;
		w->waited_ms = now_ms() - start;
		if (w->got)
			fill(w->got, wanted, 1);
		pthread_barrier_wait(&over);
		free(w->got);
		pthread_barrier_wait(&over);
	}
}

/* How often somebody has waited for an object of this size. */
static long waits(size_t size)
{
	struct class_row rows[SMALL_CLASSES];

	read_classes(rows);
	return rows[size / CLASS_STEP - 1].waits;
}

/* Empties a class and sets the waiters off; how much it held. */
static size_t let_wait(unsigned waiters, size_t size)
{
	size_t count = take_up_to(size, 0, OBJECTS_MAX);
	long before = waits(size);

	CHECK(count > WAITERS && count < OBJECTS_MAX);
	wanted = size;
	pthread_barrier_wait(&empty);
	while (waits(size) < before + (long)waiters)
		sleep_ms(1);
	return count;
}

/* Frees one object for each waiter, and looks. */
static void wake(struct waiter *waiter, unsigned waiters, double ms,
		 size_t size)
{
	size_t count = let_wait(waiters, size);

	for (unsigned i = 0; i < waiters; i++)
		free(taken[count - 1 - i]);
	pthread_barrier_wait(&over);
	for (unsigned i = 0; i < waiters; i++) {
		CHECK_THAT(waiter[i].got, "a free wakes nobody in class %zu",
			   size);
		CHECK_THAT(waiter[i].waited_ms < ms,
			   "class %zu: woken after %.0f ms", size,
			   waiter[i].waited_ms);
		CHECK(intact(waiter[i].got, size, 1));
	}
	pthread_barrier_wait(&over);
	for (size_t i = 0; i < count - waiters; i++)
		free(taken[i]);
}

/* Memory comes back while one waits, and nothing is freed. */
static void release(struct waiter *waiter, size_t size)
{
	size_t count = let_wait(1, size);

	limit_to(RLIMIT_DATA, (size_t)1 << 30);
	pthread_barrier_wait(&over);
	CHECK_THAT(waiter->got, "class %zu: nobody asked again", size);
	pthread_barrier_wait(&over);
	while (count > 0)
		free(taken[--count]);
}

static void times_out(double ms, size_t size)
{
	size_t count = 0;
	long before = waits(size);
	double start = 0, waited;

	/* The call that ends this one has waited itself. */
	do {
		start = now_ms();
		errno = 0;
		taken[count] = malloc(size);
	} while (taken[count] && ++count < OBJECTS_MAX);
	CHECK(errno == ENOMEM);
	waited = now_ms() - start;
	CHECK(waits(size) == before + (ms > 0));
	CHECK_THAT(waited >= ms * 0.9, "NULL after %.0f of %.0f ms", waited,
		   ms);
	while (count > 0)
		free(taken[--count]);
	taken[0] = malloc(size);
	CHECK(taken[0]);
	free(taken[0]);
}

int main(int argc, char **argv)
{
	static struct waiter waiter[WAITERS];
	unsigned waiters;
	double ms;

	CHECK(argc > 2);
	ms = atof(argv[2]);
	if (!pools_present())
		skip("without the pools nobody waits");
	waiters = strcmp(argv[1], "crowd") == 0 ? WAITERS : 1;
	get_ready();
	pthread_barrier_init(&empty, NULL, waiters + 1);
	pthread_barrier_init(&over, NULL, waiters + 1);
	for (unsigned i = 0; i < waiters; i++)
		CHECK(!pthread_create(&waiter[i].thread, NULL, want_one,
				      &waiter[i]));
	limit_to(RLIMIT_DATA, 1 << 20);
	if (argv[1][0] == 't' || argv[1][0] == 'n') {
		for (size_t size = CLASS_STEP; size <= SMALL_MAX; size *= 2)
			times_out(ms, size);
	} else if (argv[1][0] == 'r') {
		release(waiter, 48);
	} else {
		/* Few classes, for emptying each takes MS too. */
		for (size_t size = CLASS_STEP; size <= SMALL_MAX;
		     size += 6 * CLASS_STEP)
			wake(waiter, waiters, ms, size);
	}
	wanted = 0;
	pthread_barrier_wait(&empty);
	for (unsigned i = 0; i < waiters; i++)
		pthread_join(waiter[i].thread, NULL);
	return all_held();
}
