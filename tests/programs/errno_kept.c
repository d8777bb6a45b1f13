/* SPDX-License-Identifier: MIT */
/*
 * errno_kept.c - free() leaves errno as it was, on every path.
 *
 * POSIX 2024 asks for it; error paths everywhere rely on it.  The paths:
 * NULL, small, a full magazine, the border, large, mapped, another thread's,
 * another allocator's, and with a limit on memory.
 */
#include "check.h"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>

enum { OBJECTS = 100000 };

static void *object[OBJECTS];

static void free_with_errno(void *p, int value)
{
	errno = value;
	free(p);
	CHECK_THAT(errno == value, "errno is %d after free, was %d", errno,
		   value);
}

static void *make_objects(void *unused)
{
	uint32_t state = 99;

	(void)unused;
	for (int i = 0; i < OBJECTS; i++) {
		size_t size = random_next(&state) % 256;

		if (i % 1000 == 0)
			size = 300000;
		else if (i % 100 == 0)
			size = 5000;
		object[i] = malloc(size);
		CHECK(object[i]);
	}
	return NULL;
}

static void *free_objects(void *unused)
{
	(void)unused;
	for (int i = 0; i < OBJECTS; i++)
		free_with_errno(object[i], i % 7 ? 42 : 0);
	return NULL;
}

static void in_a_thread(void *(*routine)(void *))
{
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, routine, NULL) == 0);
	pthread_join(thread, NULL);
}

static void pointers_of_glibc_itself(void)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	void *(*theirs)(size_t);

	CHECK(libc);
	*(void **)&theirs = dlsym(libc, "malloc");
	for (size_t size = 0; size < 2000; size++)
		free_with_errno(theirs(size), 42);
	free_with_errno(theirs(1 << 20), 42);
}

/* Giving memory back may fail under a limit; that too is nobody's business. */
static void under_a_limit(void)
{
	struct rlimit limit, tight;

	make_objects(NULL);
	CHECK(getrlimit(RLIMIT_DATA, &limit) == 0);
	tight = limit;
	tight.rlim_cur = 1 << 20;
	CHECK(setrlimit(RLIMIT_DATA, &tight) == 0);
	free_objects(NULL);
	CHECK(setrlimit(RLIMIT_DATA, &limit) == 0);
}

int main(int argc, char **argv)
{
	free_with_errno(NULL, 42);
	for (int round = 0; round < 5; round++) {
		make_objects(NULL);
		free_objects(NULL);
	}
	make_objects(NULL);
	in_a_thread(free_objects);
	in_a_thread(make_objects);
	free_objects(NULL);
	/* A chain's last allocator would be handed what glibc made. */
	if (argc < 2 || strcmp(argv[1], "chained") != 0)
		pointers_of_glibc_itself();
	under_a_limit();
	return all_held();
}
