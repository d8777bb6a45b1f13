/* SPDX-License-Identifier: MIT */
/*
 * foreign.c - pointers that another allocator made reach our free.
 *
 * Usage: foreign [mallocx]
 * Without an argument they come from libc.so.6 itself, past the preload; with
 * one from jemalloc's own functions, as redis-server and rocksdb call them.
 */
#include "check.h"

#include <dlfcn.h>
#include <malloc.h>

static void use_and_drop(char *p, size_t size, unsigned way)
{
	CHECK(p);
	fill(p, size, way);
	CHECK(malloc_usable_size(p) >= size);
	switch (way % 4) {
	case 0:
		free(p);
		break;
	case 1:
		p = realloc(p, size + 200);
		CHECK(p && intact(p, size, way));
		free(p);
		break;
	case 2:
		p = realloc(p, size / 2 + 1);
		CHECK(p && intact(p, size / 2, way));
		free(p);
		break;
	case 3:
		CHECK(!realloc(p, 0));
		break;
	}
}

static void made_by_libc(void)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	void *(*theirs_malloc)(size_t);
	void *(*theirs_calloc)(size_t, size_t);
	void *(*theirs_pvalloc)(size_t);
	void *(*theirs_memalign)(size_t, size_t);

	CHECK(libc);
	*(void **)&theirs_malloc = dlsym(libc, "malloc");
	*(void **)&theirs_calloc = dlsym(libc, "calloc");
	*(void **)&theirs_pvalloc = dlsym(libc, "pvalloc");
	*(void **)&theirs_memalign = dlsym(libc, "memalign");
	for (unsigned i = 0; i < 20000; i++) {
		size_t size = i % 500 + 1;

		use_and_drop(theirs_malloc(size), size, i);
		use_and_drop(theirs_calloc(1, size), size, i);
		if (i % 10)
			continue;
		use_and_drop(theirs_pvalloc(size), size, i / 10);
		use_and_drop(theirs_memalign(256, size), size, i / 10);
	}
	use_and_drop(theirs_malloc(1 << 20), 1 << 20, 0);
	use_and_drop(theirs_malloc(1 << 20), 1 << 20, 2);
}

static void made_by_jemalloc(void)
{
	void *(*mallocx)(size_t, int);
	void (*sdallocx)(void *, size_t, int);
	void (*dallocx)(void *, int);

	*(void **)&mallocx = dlsym(RTLD_DEFAULT, "mallocx");
	*(void **)&sdallocx = dlsym(RTLD_DEFAULT, "sdallocx");
	*(void **)&dallocx = dlsym(RTLD_DEFAULT, "dallocx");
	CHECK(mallocx && sdallocx && dallocx);
	for (unsigned i = 0; i < 20000; i++) {
		size_t size = i % 500 + 1;
		void *p;

		use_and_drop(mallocx(size, 0), size, i);
		/* What is forwarded is jemalloc's, so its functions take it. */
		p = malloc(size + SMALL_MAX);
		CHECK(p);
		if (i % 2)
			sdallocx(p, size + SMALL_MAX, 0);
		else
			dallocx(p, 0);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "mallocx") == 0)
		made_by_jemalloc();
	else
		made_by_libc();
	return all_held();
}
