/* SPDX-License-Identifier: MIT */
/*
 * fork_faults.c - forks while other threads change what is done at SIGSEGV: a
 * child finds one of the two, and sets its own.
 */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

enum { FORKS = 1000, THREADS = 2 };

static int stop;
static volatile pid_t child;
static volatile sig_atomic_t called;

static void count(int number)
{
	called += number == SIGSEGV;
}

static void with_information(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info, (void)context;
}

static const struct sigaction either[] = {
	{ .sa_handler = count },
	{ .sa_sigaction = with_information,
	  .sa_flags = SA_SIGINFO | SA_ONSTACK },
};

static void *change(void *unused)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		for (int i = 0; i < 2; i++)
			CHECK(!sigaction(SIGSEGV, &either[i], NULL));
	return unused;
}

static void in_child(void)
{
	struct sigaction found;

	CHECK(!sigaction(SIGSEGV, NULL, &found));
	CHECK(found.sa_flags & SA_SIGINFO
		      ? found.sa_sigaction == with_information
		      : found.sa_handler == count);
	CHECK(!sigaction(SIGSEGV, &either[0], NULL));
	CHECK(!raise(SIGSEGV) && called == 1);
	_exit(0);
}

/* It may have blocked all other signals. */
static void kill_child(int unused)
{
	(void)unused;
	kill(child, SIGKILL);
}

int main(void)
{
	pthread_t thread[THREADS];

	signal(SIGALRM, kill_child);
	CHECK(!sigaction(SIGSEGV, &either[0], NULL));
	for (int t = 0; t < THREADS; t++)
		CHECK(!pthread_create(&thread[t], NULL, change, NULL));
	for (int i = 0; i < FORKS; i++) {
		int status = -1;

		child = fork();
		CHECK(child >= 0);
		if (child == 0)
			in_child();
		alarm(60);
		CHECK(TEMP_FAILURE_RETRY(waitpid(child, &status, 0)) == child);
		alarm(0);
		CHECK_THAT(status == 0, "a child ends with status %#x", status);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int t = 0; t < THREADS; t++)
		pthread_join(thread[t], NULL);
	return all_held();
}
