/* SPDX-License-Identifier: MIT */
/*
 * fork_kinds.c - the other ways to a new process: _Fork, vfork, posix_spawn,
 * raw clone, and fork from several threads at once.
 *
 * While other threads allocate, the children of _Fork and clone do only what
 * POSIX lets them; once the program has one thread they may allocate.
 */
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { ALLOCATORS = 4, EACH = 50, CHILD_SECONDS = 20 };

extern char **environ;

static int stop;

static void use_all_classes(void)
{
	void *object[400];

	for (unsigned i = 0; i < COUNT_OF(object); i++) {
		object[i] = malloc(i % 160);
		CHECK(object[i]);
		fill(object[i], i % 160, i);
	}
	for (unsigned i = 0; i < COUNT_OF(object); i++) {
		CHECK(intact(object[i], i % 160, i));
		free(object[i]);
	}
	free(malloc(100000));
}

static void *allocate(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		use_all_classes();
	return NULL;
}

static void reap(pid_t child, const char *kind)
{
	int status = -1;

	CHECK_THAT(child > 0, "%s fails: %d", kind, errno);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK_THAT(status == 0, "a child of %s ends with status %#x", kind,
		   status);
}

/* All kinds once; `alone`: no other thread runs, so children may allocate. */
static void each_kind(int alone)
{
	static char program[] = "/bin/true";
	char *const arguments[] = { program, NULL };
	pid_t child;

	child = _Fork();
	if (child == 0) {
		alarm(CHILD_SECONDS);
		if (alone)
			use_all_classes();
		_exit(0);
	}
	reap(child, "_Fork");

	child = vfork();
	if (child == 0) {
		execv(program, arguments);
		_exit(127);
	}
	reap(child, "vfork");

	CHECK(posix_spawn(&child, program, NULL, NULL, arguments, environ) ==
	      0);
	reap(child, "posix_spawn");

	child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (child == 0) {
		alarm(CHILD_SECONDS);
		if (alone)
			use_all_classes();
		else
			execv(program, arguments);
		_exit(0);
	}
	reap(child, "clone");
	use_all_classes();
}

/* Forks of its own from a thread; the child goes on as the only thread. */
static void *fork_in_thread(void *unused)
{
	(void)unused;
	for (int i = 0; i < EACH; i++) {
		pid_t child = fork();

		if (child == 0) {
			alarm(CHILD_SECONDS);
			use_all_classes();
			/* Its exit runs the destructors of this thread. */
			if (i % 2)
				pthread_exit(NULL);
			_exit(0);
		}
		reap(child, "fork in a thread");
	}
	return NULL;
}

int main(void)
{
	pthread_t thread[ALLOCATORS];

	for (int t = 0; t < ALLOCATORS; t++)
		CHECK(!pthread_create(&thread[t], NULL, allocate, NULL));
	for (int i = 0; i < EACH; i++)
		each_kind(0);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int t = 0; t < ALLOCATORS; t++)
		pthread_join(thread[t], NULL);
	for (int i = 0; i < EACH; i++)
		each_kind(1);
	for (int t = 0; t < ALLOCATORS; t++)
		CHECK(!pthread_create(&thread[t], NULL, fork_in_thread, NULL));
	for (int t = 0; t < ALLOCATORS; t++)
		pthread_join(thread[t], NULL);
	return all_held();
}
