/* SPDX-License-Identifier: MIT */
/*
 * fork_recorded.c - forks while other threads are short: each makes a few
 * allocations from different depths, and ends.  For what is recorded of them:
 * each begins a block of the trace, takes stacks, and leaves.
 */
#include "check.h"

#include <pthread.h>
#include <sys/wait.h>

enum { MAKERS = 4, FORKS = 200, EACH = 30, CHILD_SECONDS = 20 };

static int stop;

__attribute__((noinline)) static void *allocate_from(unsigned depth,
						     size_t size)
{
	void *volatile p =
		depth ? allocate_from(depth - 1, size) : malloc(size);

	return p;
}

static void *live_shortly(void *seed)
{
	uint32_t state = (uint32_t)(uintptr_t)seed | 1;
	void *object[EACH];

	for (int i = 0; i < EACH; i++)
		object[i] = allocate_from(random_next(&state) % 20,
					  random_next(&state) % 300);
	for (int i = 0; i < EACH; i++)
		free(object[i]);
	return NULL;
}

static void *make_threads(void *seed)
{
	uintptr_t n = (uintptr_t)seed;
	pthread_t thread;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		if (!pthread_create(&thread, NULL, live_shortly, (void *)n++))
			pthread_join(thread, NULL);
	return NULL;
}

int main(void)
{
	pthread_t maker[MAKERS];

	for (uintptr_t i = 0; i < MAKERS; i++)
		CHECK(!pthread_create(&maker[i], NULL, make_threads,
				      (void *)(i * 1000000)));
	for (int i = 0; i < FORKS; i++) {
		int status = -1;
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			alarm(CHILD_SECONDS);
			for (unsigned k = 0; k < 200; k++)
				free(allocate_from(k % 5, k));
			_exit(0);
		}
		CHECK(waitpid(child, &status, 0) == child);
		CHECK_THAT(status == 0, "a child ends with status %#x", status);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < MAKERS; i++)
		pthread_join(maker[i], NULL);
	return all_held();
}
