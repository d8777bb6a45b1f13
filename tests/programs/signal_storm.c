/* SPDX-License-Identifier: MIT */
/*
 * signal_storm.c - a handler that allocates interrupts malloc and free, again
 * and again.
 *
 * Usage: signal_storm [milliseconds [hang]]
 * glibc may hang here, and POSIX lets it; small requests of the pools must
 * not.  With "hang", only that is asked for, not that contents are kept.
 */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

enum { OBJECTS = 4000, HANDLED = 256, WORKERS = 2 };

static int stop;
static int only_hang;
static volatile sig_atomic_t storms;

/* Each thread's handler keeps its own objects across calls. */
static __thread struct {
	unsigned char *p;
	unsigned size;
} handled[HANDLED];
static __thread unsigned next_handled;

static void storm(int number)
{
	int saved = errno;

	(void)number;
	for (unsigned i = 0; i < 40; i++) {
		unsigned at = next_handled++ % HANDLED;

		if (!only_hang)
			CHECK(intact(handled[at].p, handled[at].size, at));
		free(handled[at].p);
		handled[at].size = (at + i) % SMALL_MAX + 1;
		handled[at].p = malloc(handled[at].size);
		CHECK(handled[at].p);
		fill(handled[at].p, handled[at].size, at);
	}
	storms++;
	errno = saved;
}

static void *work(void *unused)
{
	static __thread unsigned char *object[OBJECTS];
	uint32_t state = (uint32_t)(uintptr_t)object | 1;

	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		unsigned i = random_next(&state) % OBJECTS;

		/* The size follows from the place, so intact() knows it. */
		if (!only_hang && object[i])
			CHECK(intact(object[i], i % SMALL_MAX + 1, i));
		free(object[i]);
		object[i] = malloc(i % SMALL_MAX + 1);
		CHECK(object[i]);
		fill(object[i], i % SMALL_MAX + 1, i);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long ms = argc > 1 ? atol(argv[1]) : 3000;
	struct itimerval often = { { 0, 200 }, { 0, 200 } };
	struct sigaction action = { .sa_handler = storm,
				    .sa_flags = SA_RESTART };
	pthread_t worker[WORKERS];
	sigset_t own;
	double end;

	only_hang = argc > 2;
	for (int t = 0; t < WORKERS; t++)
		CHECK(!pthread_create(&worker[t], NULL, work, NULL));
	/* A handler may take longer than the timer: who ends it stays outside.
	 */
	CHECK(!sigemptyset(&own) && !sigaddset(&own, SIGPROF) &&
	      !pthread_sigmask(SIG_BLOCK, &own, NULL));
	CHECK(!sigaction(SIGPROF, &action, NULL));
	CHECK(!setitimer(ITIMER_PROF, &often, NULL));
	end = now_ms() + (double)ms;
	while (now_ms() < end) {
		for (int t = 0; t < WORKERS; t++)
			pthread_kill(worker[t], SIGPROF);
		sched_yield();
	}
	often.it_interval.tv_usec = often.it_value.tv_usec = 0;
	CHECK(!setitimer(ITIMER_PROF, &often, NULL));
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int t = 0; t < WORKERS; t++)
		pthread_join(worker[t], NULL);
	CHECK(storms > 100);
	return all_held();
}
