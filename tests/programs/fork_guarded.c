/* SPDX-License-Identifier: MIT */
/*
 * fork_guarded.c - forks while another thread allocates inside a library that
 * takes its lock at fork, too (plugins/guarded.c, preloaded behind us).
 *
 * The library registered its fork handlers before anybody allocated; malloc's
 * locks must come last all the same.
 */
#include "check.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>

enum { FORKS = 1000 };

static void (*work)(void);
static int stop;

static void *work_on(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		work();
	return NULL;
}

int main(void)
{
	pthread_t thread;

	*(void **)&work = dlsym(RTLD_DEFAULT, "guarded_work");
	CHECK(work);
	CHECK(!pthread_create(&thread, NULL, work_on, NULL));
	for (int i = 0; i < FORKS; i++) {
		int status = -1;
		pid_t child;

		alarm(60);
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			alarm(60);
			work();
			_exit(0);
		}
		CHECK(waitpid(child, &status, 0) == child);
		CHECK_THAT(status == 0, "a child ends with status %#x", status);
	}
	alarm(0);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	return all_held();
}
