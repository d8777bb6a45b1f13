/* SPDX-License-Identifier: MIT */
/*
 * usable.c - malloc_usable_size: enough, constant, writable, true for all.
 *
 * Programs built with _FORTIFY_SOURCE=3, and systemd, grow into what it says.
 */
#include "check.h"

#include <malloc.h>

enum { OBJECTS = 3000 };

static struct {
	unsigned char *p;
	size_t usable;
} object[OBJECTS];

static void *by_kind(int kind, size_t size)
{
	void *p = NULL;

	switch (kind % 8) {
	case 0:
		return malloc(size);
	case 1:
		return calloc(1, size);
	case 2:
		return realloc(malloc(size / 2), size ? size : 1);
	case 3:
		return memalign(64, size);
	case 4:
		return valloc(size);
	case 5:
		return pvalloc(size);
	case 6:
		return aligned_alloc(32, size);
	default:
		return posix_memalign(&p, 128, size) == 0 ? p : NULL;
	}
}

int main(void)
{
	uint32_t state = 12345;

	CHECK(malloc_usable_size(NULL) == 0);
	for (int i = 0; i < OBJECTS; i++) {
		size_t size = random_next(&state) % (i % 16 ? 200 : 100000);

		object[i].p = by_kind(i, size);
		CHECK(object[i].p);
		object[i].usable = malloc_usable_size(object[i].p);
		CHECK_THAT(object[i].usable >= size,
			   "%zu bytes usable of %zu asked for, kind %d",
			   object[i].usable, size, i % 8);
		/* All of it is ours: no neighbour may notice. */
		fill(object[i].p, object[i].usable, (unsigned)i);
	}
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < OBJECTS; i++) {
			CHECK(malloc_usable_size(object[i].p) ==
			      object[i].usable);
			CHECK(intact(object[i].p, object[i].usable,
				     (unsigned)i));
		}
	}
	/*
	 * realloc to what is usable anyway may copy, but keeps it all.  Of
	 * malloc(0) nothing may be usable.
	 */
	for (int i = 0; i < OBJECTS; i++) {
		size_t size = object[i].usable ? object[i].usable : 1;

		object[i].p = realloc(object[i].p, size);
		CHECK(object[i].p);
		CHECK(intact(object[i].p, object[i].usable, (unsigned)i));
		CHECK(malloc_usable_size(object[i].p) >= object[i].usable);
		free(object[i].p);
	}
	for (int i = 0; i < 1000; i++) {
		void *small = pvalloc(1);

		CHECK(small);
		CHECK(malloc_usable_size(small) >= (size_t)getpagesize());
		free(small);
	}
	return all_held();
}
