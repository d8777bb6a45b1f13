/* SPDX-License-Identifier: MIT */
/*
 * early.c - a preloaded library that is awake before the allocator is.
 *
 * Its constructor allocates objects of every kind, looks up a name that does
 * not exist (which makes dlsym allocate), registers fork handlers that
 * allocate, and starts a thread; its destructor checks that all is still
 * there.  Put before or behind libmpool.so in LD_PRELOAD.
 * EARLY_FORK=first registers the fork handlers before anything is allocated.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEPT = 1000 };

static unsigned char *kept[KEPT];
static pthread_t thread;

static void fail(const char *what)
{
	ssize_t written = write(STDERR_FILENO, what, strlen(what));

	(void)written;
	abort();
}

/* More than the caches of a thread hold, so that the locks are needed. */
static void allocate_much(void)
{
	static void *object[2000];

	for (int i = 0; i < 2000; i++)
		object[i] = malloc((size_t)(i % 160));
	for (int i = 0; i < 2000; i++)
		free(object[i]);
}

static void *in_thread(void *unused)
{
	(void)unused;
	for (int i = 0; i < 1000; i++)
		free(malloc((size_t)(i % 200)));
	return NULL;
}

static void make(int i)
{
	size_t size = (size_t)(i % 300);
	void *p = NULL;

	switch (i % 5) {
	case 0:
		p = malloc(size);
		break;
	case 1:
		p = calloc(1, size);
		break;
	case 2:
		p = realloc(malloc(10), size + 1);
		break;
	case 3:
		p = aligned_alloc(32, size);
		break;
	case 4:
		if (posix_memalign(&p, 64, size) != 0)
			p = NULL;
		break;
	}
	if (!p || malloc_usable_size(p) < size)
		fail("early: no memory\n");
	memset(p, i, size);
	kept[i] = p;
}

static void register_fork_handlers(void)
{
	if (pthread_atfork(allocate_much, allocate_much, allocate_much) != 0)
		fail("early: pthread_atfork\n");
}

__attribute__((constructor)) static void begin(void)
{
	const char *order = getenv("EARLY_FORK");
	int fork_first = order && strcmp(order, "first") == 0;

	if (fork_first)
		register_fork_handlers();
	for (int i = 0; i < KEPT; i++)
		make(i);
	for (int i = 0; i < KEPT; i += 3) {
		free(kept[i]);
		make(i);
	}
	if (dlsym(RTLD_NEXT, "a_name_that_nobody_has") || !dlerror())
		fail("early: dlsym\n");
	if (!fork_first)
		register_fork_handlers();
	if (pthread_create(&thread, NULL, in_thread, NULL) != 0)
		fail("early: pthread_create\n");
}

__attribute__((destructor)) static void end(void)
{
	pthread_join(thread, NULL);
	for (int i = 0; i < KEPT; i++) {
		for (int at = 0; at < i % 300; at++)
			if (kept[i][at] != (unsigned char)i)
				fail("early: contents lost\n");
		free(kept[i]);
	}
}
