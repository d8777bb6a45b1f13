/* SPDX-License-Identifier: MIT */
/*
 * occasion.c - has something done when a signal comes, and again and again.
 *
 * A signal that is sent to the process interrupts what one of its threads
 * waits for.  So who asks from outside sends it to our thread alone, which
 * goes by the name OCCASION_THREAD, and only while that does not block it.
 */
#include "watch/occasion.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/config.h"
#include "watch/process.h"

static sem_t asked_for;
static bool signalled;
static void (*act)(void);
static void (*now_and_then)(void);
static bool (*is_deserted)(void);
static pthread_t ours;
static bool started; /* ours */

/* Only posts: the heap may be in any state. */
static void on_signal(int signal_number)
{
	int saved = errno;

	(void)signal_number;
	__atomic_store_n(&signalled, true, __ATOMIC_RELAXED);
	sem_post(&asked_for);
	errno = saved;
}

/* A handler of the program's own must not run in our thread. */
static void take_signal(void)
{
	struct sigaction now;
	sigset_t set;

	if (!config.stats_signal || process_confined() ||
	    sigaction(config.stats_signal, NULL, &now) < 0)
		return;
	sigemptyset(&set);
	sigaddset(&set, config.stats_signal);
	pthread_sigmask(now.sa_handler == on_signal ? SIG_UNBLOCK : SIG_BLOCK,
			&set, NULL);
}

/*
 * Till a signal has come or the interval is over; false: interrupted.  When the
 * program's last thread has ended by pthread_exit, this one would keep the
 * process alive for ever: it ends it then, as that would have.
 */
static bool wait_for_turn(void)
{
	uint64_t pause_ms = 10, waited_ms = 0;
	uint64_t interval_ms = config.stats_interval_s * UINT64_C(1000);
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	while (!interval_ms || waited_ms < interval_ms) {
		until.tv_nsec += (long)(pause_ms * 1000000);
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		while (sem_clockwait(&asked_for, CLOCK_MONOTONIC, &until) ==
		       0) {
			if (__atomic_exchange_n(&signalled, false,
						__ATOMIC_RELAXED))
				return true;
			now_and_then();
		}
		if (errno != ETIMEDOUT)
			return false;
		if (is_deserted())
			exit(0);
		take_signal();
		now_and_then();
		waited_ms += pause_ms;
		pause_ms = min_of(2 * pause_ms, UINT64_C(1000));
		if (interval_ms)
			pause_ms = min_of(pause_ms, interval_ms - waited_ms);
	}
	return true;
}

static void *watch(void *unused)
{
	(void)unused;
	prctl(PR_SET_NAME, OCCASION_THREAD);
	take_signal();
	for (;;) {
		if (!wait_for_turn())
			continue;
		act(); /* one dump answers all that have come by now */
	}
	return NULL;
}

/*
 * A thread with all other signals blocked.  Its stack holds the program's
 * static TLS too, which may need more than 64 KiB.
 */
static int start_thread(void)
{
	sigset_t all, old;
	pthread_attr_t attributes;
	int error = EINVAL;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	for (size_t stack = 64 * KIB; error == EINVAL && stack <= 8 * MIB;
	     stack *= 2)
		if (pthread_attr_setstacksize(&attributes, stack) == 0)
			error = pthread_create(&ours, &attributes, watch, NULL);
	__atomic_store_n(&started, !error, __ATOMIC_RELAXED);
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error;
}

size_t occasion_others(void)
{
	return started && !pthread_equal(ours, pthread_self());
}

bool occasion_wanted(void)
{
	return config.stats_signal || (config.stats && config.stats_interval_s);
}

void occasion_by(void (*what)(void), void (*beside)(void),
		 bool (*deserted)(void))
{
	act = what;
	now_and_then = beside;
	is_deserted = deserted;
}

void occasion_fork_child(void)
{
	started = false;
	sem_init(&asked_for, 0, 0);
}

int occasion_call(void)
{
	int error = started ? 0 : start_thread();

	if (!error)
		sem_post(&asked_for);
	return error;
}

/*
 * Even without a thread the signal must not end the program.  A child has the
 * handler already, unless the program has taken the signal for itself.
 */
int occasion_start(void)
{
	struct sigaction action = {
		.sa_handler = on_signal,
		.sa_flags = SA_RESTART | SA_ONSTACK,
	};
	static bool installed;

	if (config.stats_signal && !installed)
		sigaction(config.stats_signal, &action, NULL);
	installed = true;
	return start_thread();
}
