/* SPDX-License-Identifier: MIT */
/*
 * sized_free.c - free_sized, free_aligned_sized and cfree, where they exist.
 *
 * C23's calls are younger than Debian 12's glibc, so they are looked up.
 */
#include "check.h"

#include <dlfcn.h>

static void (*sized)(void *, size_t);
static void (*aligned_sized)(void *, size_t, size_t);
static void (*old_free)(void *);

static void free_of_every_size(void)
{
	for (int round = 0; round < 100; round++) {
		for (size_t size = 0; size <= 400; size++) {
			void *p = round % 2 ? malloc(size) : calloc(1, size);

			CHECK(p);
			fill(p, size, (unsigned)size);
			errno = 42;
			sized(p, size);
			CHECK(errno == 42);
		}
		sized(malloc(300000), 300000);
		sized(NULL, 0);
		sized(NULL, 64);
	}
}

static void free_of_every_alignment(void)
{
	for (size_t alignment = 16; alignment <= 8192; alignment *= 2) {
		for (size_t size = 0; size <= 400; size++) {
			void *p = aligned_alloc(alignment, size);

			CHECK(p);
			fill(p, size, (unsigned)size);
			errno = 42;
			aligned_sized(p, alignment, size);
			CHECK(errno == 42);
		}
	}
	aligned_sized(NULL, 64, 64);
}

static void objects_come_back_whole(void)
{
	enum { OBJECTS = 2000 };
	static void *object[OBJECTS];

	for (int round = 0; round < 10; round++) {
		for (unsigned i = 0; i < OBJECTS; i++) {
			object[i] = malloc(i % 200);
			CHECK(object[i]);
			fill(object[i], i % 200, i);
		}
		for (unsigned i = 0; i < OBJECTS; i++) {
			CHECK(intact(object[i], i % 200, i));
			sized(object[i], i % 200);
		}
	}
}

int main(int argc, char **argv)
{
	*(void **)&sized = dlsym(RTLD_DEFAULT, "free_sized");
	*(void **)&aligned_sized = dlsym(RTLD_DEFAULT, "free_aligned_sized");
	*(void **)&old_free = dlsym(RTLD_DEFAULT, "cfree");
	if (argc > 1 && strcmp(argv[1], "needed") == 0)
		CHECK(sized && aligned_sized && old_free);
	if (sized) {
		free_of_every_size();
		objects_come_back_whole();
	}
	if (aligned_sized)
		free_of_every_alignment();
	if (old_free) {
		for (size_t size = 0; size < 400; size++)
			old_free(malloc(size));
		old_free(NULL);
	}
	return all_held();
}
