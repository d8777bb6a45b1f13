/* SPDX-License-Identifier: MIT */
/*
 * atfork.c - the program's own fork handlers may allocate and free, before
 * and after the fork and in the child.
 *
 * So the allocator takes its locks after the program's handlers have run.
 */
#include "check.h"

#include <pthread.h>
#include <sys/wait.h>

enum { FORKS = 80, OBJECTS = 1000, ALLOCATORS = 3 };

static int stop;
static int handlers_run;

/* Far more than a thread keeps, so that shared stock is needed. */
static void allocate_much(void)
{
	void *object[OBJECTS];

	for (unsigned i = 0; i < OBJECTS; i++) {
		object[i] = malloc(i % 160);
		CHECK(object[i]);
		fill(object[i], i % 160, i);
	}
	for (unsigned i = 0; i < OBJECTS; i++) {
		CHECK(intact(object[i], i % 160, i));
		free(object[i]);
	}
	handlers_run++;
}

static void *allocate(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		for (unsigned size = 0; size < 150; size++)
			free(malloc(size));
	return NULL;
}

/* The program's constructors run after those of preloaded libraries. */
__attribute__((constructor)) static void begin(void)
{
	CHECK(!pthread_atfork(allocate_much, allocate_much, allocate_much));
}

int main(void)
{
	pthread_t thread[ALLOCATORS];

	CHECK(!pthread_atfork(allocate_much, allocate_much, allocate_much));
	for (int t = 0; t < ALLOCATORS; t++)
		CHECK(!pthread_create(&thread[t], NULL, allocate, NULL));
	for (int i = 0; i < FORKS; i++) {
		int status = -1;
		pid_t child;

		handlers_run = 0;
		alarm(60);
		child = fork();
		CHECK(child >= 0);
		CHECK(handlers_run == 4);
		if (child == 0) {
			alarm(60);
			allocate_much();
			_exit(0);
		}
		CHECK(waitpid(child, &status, 0) == child);
		CHECK_THAT(status == 0, "a child ends with status %#x", status);
	}
	alarm(0);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int t = 0; t < ALLOCATORS; t++)
		pthread_join(thread[t], NULL);
	return all_held();
}
