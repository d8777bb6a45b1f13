/* SPDX-License-Identifier: MIT */
/*
 * alignments.c - every alignment with every size of 0..300.
 *
 * What glibc itself says of an odd alignment is asked from libc.so.6, past
 * any preloaded library, and must be said here too.
 */
#include "check.h"

#include <dlfcn.h>
#include <malloc.h>

enum { LIVE = 64, SIZES = 301, ALIGNMENT_MAX = 1 << 16 };

/* 0, but 1 with another allocator behind: some have nothing of no bytes. */
static size_t smallest;

/* The last objects, so that an overlap is seen. */
static struct {
	void *p;
	size_t size;
	unsigned seed;
} live[LIVE];

static void keep(void *p, size_t alignment, size_t size)
{
	static unsigned seed;
	unsigned at = seed % LIVE;

	CHECK_THAT(p, "no %zu bytes aligned to %zu", size, alignment);
	CHECK_THAT((uintptr_t)p % alignment == 0, "%p is not aligned to %zu", p,
		   alignment);
	CHECK_THAT((uintptr_t)p % 16 == 0, "%p is not aligned to 16", p);
	CHECK(malloc_usable_size(p) >= size);
	CHECK(intact(live[at].p, live[at].size, live[at].seed));
	free(live[at].p);
	live[at].p = p;
	live[at].size = size;
	live[at].seed = seed;
	fill(p, size, seed++);
}

static void every_alignment_is_kept_for_every_size(void)
{
	for (size_t alignment = 1; alignment <= ALIGNMENT_MAX; alignment *= 2) {
		for (size_t size = smallest; size < SIZES; size++) {
			void *p = NULL;

			keep(aligned_alloc(alignment, size), alignment, size);
			keep(memalign(alignment, size), alignment, size);
			if (alignment < sizeof(void *))
				continue;
			CHECK(posix_memalign(&p, alignment, size) == 0);
			keep(p, alignment, size);
		}
	}
	for (size_t size = smallest; size < SIZES; size++) {
		keep(valloc(size), (size_t)getpagesize(), size);
		keep(pvalloc(size), (size_t)getpagesize(), size);
	}
}

static void aligned_objects_grow_like_others(void)
{
	for (size_t alignment = 16; alignment <= 4096; alignment *= 2) {
		for (size_t size = 1; size < SIZES; size += 13) {
			char *p = aligned_alloc(alignment, size);

			CHECK(p);
			fill(p, size, (unsigned)size);
			p = realloc(p, size * 2);
			CHECK(p && intact(p, size, (unsigned)size));
			p = realloc(p, size);
			CHECK(p && intact(p, size, (unsigned)size));
			free(p);
		}
	}
}

static void a_bad_alignment_leaves_the_pointer_untouched(void)
{
	static const size_t bad[] = {
		0,  1,	2,  3,	4,  5,	 6,   7,    9,	      12,
		15, 17, 24, 48, 96, 127, 129, 1000, SIZE_MAX, SIZE_MAX - 7,
	};
	char mark;

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		for (size_t size = 0; size < SIZES; size += 30) {
			void *p = &mark;
			int got = posix_memalign(&p, opaque_size(bad[i]), size);

			CHECK_THAT(got == EINVAL,
				   "posix_memalign to %zu says %d", bad[i],
				   got);
			CHECK(p == &mark);
		}
	}
}

/* The standards leave odd alignments open; programs were made for glibc. */
static void odd_alignments_are_taken_as_glibc_takes_them(void)
{
	static const char *const names[] = { "aligned_alloc", "memalign" };
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	void (*theirs_free)(void *);

	CHECK(libc);
	*(void **)&theirs_free = dlsym(libc, "free");
	for (size_t f = 0; f < COUNT_OF(names); f++) {
		void *(*ours)(size_t, size_t);
		void *(*theirs)(size_t, size_t);

		*(void **)&ours = dlsym(RTLD_DEFAULT, names[f]);
		*(void **)&theirs = dlsym(libc, names[f]);
		CHECK(ours && theirs);
		for (size_t alignment = 0; alignment < 300; alignment++) {
			for (size_t size = 0; size < SIZES; size += 43) {
				void *want = theirs(alignment, size);
				void *got = ours(alignment, size);

				CHECK_THAT(!want == !got,
					   "%s(%zu, %zu): %p, glibc says %p",
					   names[f], alignment, size, got,
					   want);
				if (got)
					fill(got, size, 1);
				free(got);
				theirs_free(want);
			}
		}
	}
	dlclose(libc);
}

int main(int argc, char **argv)
{
	int chained = argc > 1 && strcmp(argv[1], "chained") == 0;

	smallest = (size_t)chained;
	every_alignment_is_kept_for_every_size();
	aligned_objects_grow_like_others();
	a_bad_alignment_leaves_the_pointer_untouched();
	/* With another allocator behind, its word counts, not glibc's. */
	if (!chained)
		odd_alignments_are_taken_as_glibc_takes_them();
	return all_held();
}
