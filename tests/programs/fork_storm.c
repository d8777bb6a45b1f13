/* SPDX-License-Identifier: MIT */
/*
 * fork_storm.c - thousands of forks while four threads allocate and others
 * come and go.
 *
 * Usage: fork_storm [forks]
 * Each child uses every class, memory beyond the classes, and now and then
 * threads of its own; an alarm ends one that hangs.
 */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

enum {
	ALLOCATORS = 4,
	HELD = 3000,
	PASSED = 500,
	AT_ONCE = 16,
	CHILD_SECONDS = 20,
};

static int stop;
static void *passed[PASSED];

/* Use memory of every kind; a claim that fails ends the process. */
static void use_all_classes(unsigned seed)
{
	void *object[SMALL_CLASSES * 40];

	for (unsigned i = 0; i < COUNT_OF(object); i++) {
		size_t size = (i % SMALL_CLASSES + 1) * CLASS_STEP;

		object[i] = malloc(size);
		CHECK(object[i]);
		fill(object[i], size, seed + i);
	}
	for (unsigned i = 0; i < COUNT_OF(object); i++) {
		CHECK(intact(object[i], (i % SMALL_CLASSES + 1) * CLASS_STEP,
			     seed + i));
		free(object[i]);
	}
	object[0] = malloc(5000);
	object[0] = realloc(object[0], 300000);
	CHECK(object[0]);
	free(object[0]);
	free(calloc(10, 10));
}

static void *use_in_thread(void *seed)
{
	use_all_classes((unsigned)(uintptr_t)seed);
	return NULL;
}

static void *allocate(void *number)
{
	uint32_t state = 77 + (uint32_t)(uintptr_t)number;
	void **object = calloc(HELD, sizeof(*object));

	CHECK(object);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		unsigned i = random_next(&state) % HELD;
		size_t size = random_next(&state) % 180;

		free(object[i]);
		object[i] = malloc(size);
		CHECK(object[i]);
		memset(object[i], 1, size);
		/* Some are freed by another thread. */
		object[i] = __atomic_exchange_n(&passed[i % PASSED], object[i],
						__ATOMIC_ACQ_REL);
	}
	for (unsigned i = 0; i < HELD; i++)
		free(object[i]);
	free(object);
	return NULL;
}

static void *churn(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, use_in_thread, NULL) == 0)
			pthread_join(thread, NULL);
	}
	return NULL;
}

__attribute__((noreturn)) static void be_child(unsigned number)
{
	alarm(CHILD_SECONDS);
	use_all_classes(number);
	for (int i = 0; i < PASSED; i++)
		free(passed[i]);
	if (number % 16 == 0) {
		pthread_t thread[3];

		for (uintptr_t t = 0; t < 3; t++)
			CHECK(!pthread_create(&thread[t], NULL, use_in_thread,
					      (void *)t));
		for (int t = 0; t < 3; t++)
			pthread_join(thread[t], NULL);
	}
	if (number % 64 == 0) {
		pid_t grandchild = fork();
		int status = -1;

		if (grandchild == 0) {
			use_all_classes(number);
			_exit(0);
		}
		CHECK(waitpid(grandchild, &status, 0) == grandchild);
		CHECK(status == 0);
	}
	use_all_classes(number + 1);
	if (number % 3 == 0)
		exit(0);
	_exit(0);
}

static void reap(void)
{
	int status = -1;

	CHECK(wait(&status) > 0);
	CHECK_THAT(!(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM),
		   "a child hangs");
	CHECK_THAT(status == 0, "a child ends with status %#x", status);
}

int main(int argc, char **argv)
{
	unsigned forks = argc > 1 ? (unsigned)atoi(argv[1]) : 2000;
	pthread_t allocator[ALLOCATORS], churner;

	for (uintptr_t t = 0; t < ALLOCATORS; t++)
		CHECK(!pthread_create(&allocator[t], NULL, allocate,
				      (void *)t));
	CHECK(!pthread_create(&churner, NULL, churn, NULL));
	for (unsigned i = 0; i < forks; i += AT_ONCE) {
		for (unsigned c = 0; c < AT_ONCE; c++) {
			pid_t child = fork();

			CHECK(child >= 0);
			if (child == 0)
				be_child(i + c);
		}
		use_all_classes(i);
		for (unsigned c = 0; c < AT_ONCE; c++)
			reap();
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int t = 0; t < ALLOCATORS; t++)
		pthread_join(allocator[t], NULL);
	pthread_join(churner, NULL);
	return all_held();
}
