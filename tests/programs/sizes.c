/* SPDX-License-Identifier: MIT */
/*
 * sizes.c - sizes at both ends of the scale, for each allocation function.
 *
 * Nothing asked for is still an object of its own; more than PTRDIFF_MAX, or
 * a product that overflows, is NULL with ENOMEM, and nothing else changes.
 */
#include "check.h"

#include <malloc.h>

static const size_t absurd[] = {
	(size_t)PTRDIFF_MAX,
	(size_t)PTRDIFF_MAX + 1,
	(size_t)PTRDIFF_MAX + 4096,
	SIZE_MAX - 65536,
	SIZE_MAX - 4096,
	SIZE_MAX - 128,
	SIZE_MAX - 15,
	SIZE_MAX - 1,
	SIZE_MAX,
};

/* Pairs whose product overflows, mostly to something small. */
static const size_t overflowing[][2] = {
	{ SIZE_MAX, 2 },
	{ 2, SIZE_MAX },
	{ SIZE_MAX / 2 + 1, 2 },
	{ SIZE_MAX / 16 + 1, 16 },
	{ SIZE_MAX / 16 + 2, 16 },
	{ (size_t)1 << 32, (size_t)1 << 32 },
	{ ((size_t)1 << 32) + 1, (size_t)1 << 32 },
	{ SIZE_MAX, SIZE_MAX },
};

static void no_bytes_are_an_object_of_their_own(void)
{
	enum { OBJECTS = 1000 };
	static void *object[OBJECTS];

	for (int i = 0; i < OBJECTS; i++) {
		switch (i % 6) {
		case 0:
			object[i] = malloc(0);
			break;
		case 1:
			object[i] = calloc(0, 8);
			break;
		case 2:
			object[i] = calloc(8, 0);
			break;
		case 3:
			object[i] = realloc(NULL, 0);
			break;
		case 4:
			object[i] = aligned_alloc(16, 0);
			break;
		case 5:
			object[i] = memalign(64, 0);
			break;
		}
		CHECK_THAT(object[i], "object %d of size 0 is NULL", i);
		CHECK((uintptr_t)object[i] % 16 == 0);
		for (int j = 0; j < i; j++)
			CHECK(object[i] != object[j]);
	}
	for (int i = 0; i < OBJECTS; i++)
		free(object[i]);
}

/* Claims that a call just made gave nothing and said why. */
static void refused(const char *call, size_t size, void *p)
{
	int reason = errno;

	CHECK_THAT(!p, "%s(%#zx) gives %p", call, size, p);
	CHECK_THAT(reason == ENOMEM, "%s(%#zx) sets errno to %d", call, size,
		   reason);
	errno = 0;
}

static void absurd_sizes_are_refused(void)
{
	void *kept = malloc(100);
	void *large = malloc(10000);
	void *untouched = kept;

	CHECK(kept && large);
	fill(kept, 100, 1);
	fill(large, 10000, 2);
	for (size_t i = 0; i < COUNT_OF(absurd); i++) {
		size_t size = opaque_size(absurd[i]);

		errno = 0;
		refused("malloc", size, malloc(size));
		refused("calloc 1", size, calloc(1, size));
		refused("calloc n", size, calloc(size, 1));
		refused("realloc of NULL", size, realloc(NULL, size));
		refused("realloc of a small one", size,
			realloc(opaque(kept), size));
		refused("realloc of a large one", size,
			realloc(opaque(large), size));
		refused("reallocarray", size,
			reallocarray(opaque(kept), size, 1));
		refused("aligned_alloc", size, aligned_alloc(16, size));
		refused("aligned_alloc 4096", size, aligned_alloc(4096, size));
		refused("memalign", size, memalign(64, size));
		refused("valloc", size, valloc(size));
		refused("pvalloc", size, pvalloc(size));
		CHECK(posix_memalign(&untouched, 64, size) == ENOMEM);
		CHECK(untouched == kept);
		CHECK(intact(kept, 100, 1));
		CHECK(intact(large, 10000, 2));
	}
	free(kept);
	free(large);
}

static void overflowing_products_are_refused(void)
{
	void *kept = malloc(64);

	CHECK(kept);
	fill(kept, 64, 3);
	for (size_t i = 0; i < COUNT_OF(overflowing); i++) {
		size_t count = opaque_size(overflowing[i][0]);
		size_t size = opaque_size(overflowing[i][1]);

		errno = 0;
		refused("calloc", count, calloc(count, size));
		refused("reallocarray", count,
			reallocarray(opaque(kept), count, size));
		refused("reallocarray of NULL", count,
			reallocarray(NULL, count, size));
		CHECK(intact(kept, 64, 3));
	}
	free(kept);
}

static void an_alignment_can_be_absurd_too(void)
{
	size_t half = opaque_size((size_t)1 << 63);

	errno = 0;
	CHECK(!memalign(half, 16));
	CHECK(errno == ENOMEM || errno == EINVAL);
	CHECK(!aligned_alloc(half, 100));
	CHECK(!memalign(opaque_size((size_t)1 << 62), SIZE_MAX / 2));
}

static void every_size_holds_what_it_was_asked_for(void)
{
	enum { SIZES = 2000 };
	static unsigned char *object[SIZES];

	for (size_t size = 0; size < SIZES; size++) {
		object[size] = malloc(size);
		CHECK(object[size]);
		CHECK((uintptr_t)object[size] % 16 == 0);
		fill(object[size], size, (unsigned)size);
	}
	for (size_t size = 0; size < SIZES; size++) {
		CHECK(intact(object[size], size, (unsigned)size));
		free(object[size]);
	}
}

int main(void)
{
	no_bytes_are_an_object_of_their_own();
	absurd_sizes_are_refused();
	overflowing_products_are_refused();
	an_alignment_can_be_absurd_too();
	every_size_holds_what_it_was_asked_for();
	return all_held();
}
