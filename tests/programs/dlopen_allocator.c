/* SPDX-License-Identifier: MIT */
/*
 * dlopen_allocator.c - libmpool.so opened by a program that runs already.
 *
 * Usage: dlopen_allocator LIBRARY
 * Its thread-local data must fit what ld.so sets aside, for threads older and
 * younger than it; its functions must work; it stays when it is closed; and
 * the program's own malloc stays what it was.
 */
#include "check.h"

#include <dlfcn.h>
#include <pthread.h>

static void *(*their_malloc)(size_t);
static void (*their_free)(void *);
static pthread_barrier_t opened;

static void use(void *(*make)(size_t), void (*drop)(void *))
{
	static __thread void *object[1000];

	for (unsigned i = 0; i < COUNT_OF(object); i++) {
		object[i] = make(i % 200);
		CHECK(object[i]);
		fill(object[i], i % 200, i);
	}
	for (unsigned i = 0; i < COUNT_OF(object); i++) {
		CHECK(intact(object[i], i % 200, i));
		drop(object[i]);
	}
}

static void *older_thread(void *unused)
{
	(void)unused;
	use(malloc, free);
	pthread_barrier_wait(&opened);
	use(their_malloc, their_free);
	use(malloc, free);
	return NULL;
}

static void *younger_thread(void *unused)
{
	(void)unused;
	use(their_malloc, their_free);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t older, younger;
	void *handle = NULL;
	void *from_before = malloc(100);

	CHECK(argc > 1);
	pthread_barrier_init(&opened, NULL, 2);
	CHECK(pthread_create(&older, NULL, older_thread, NULL) == 0);
	for (int round = 0; round < 20; round++) {
		handle = dlopen(argv[1], RTLD_NOW);
		CHECK_THAT(handle, "%s", dlerror());
		*(void **)&their_malloc = dlsym(handle, "malloc");
		*(void **)&their_free = dlsym(handle, "free");
		CHECK(their_malloc && their_free);
		use(their_malloc, their_free);
		CHECK(dlclose(handle) == 0);
	}
	/* Closed, but not gone. */
	use(their_malloc, their_free);
	handle = dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD);
	CHECK(handle);
	their_free(from_before);
	pthread_barrier_wait(&opened);
	pthread_join(older, NULL);
	for (int i = 0; i < 100; i++) {
		CHECK(pthread_create(&younger, NULL, younger_thread, NULL) ==
		      0);
		pthread_join(younger, NULL);
	}
	use(malloc, free);
	return all_held();
}
