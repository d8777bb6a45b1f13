/* SPDX-License-Identifier: MIT */
/*
 * family.c - every function of the family, small and large, from one to the
 * other; each gives memory that is whole, and takes what the others gave.
 *
 * Built with -DWRAPS it has malloc and free of its own, over glibc's second
 * names, as a program has that counts them.
 */
#include "check.h"

#include <dlfcn.h>
#include <malloc.h>

enum { SIZES = 3, WAYS = 8 };

#ifdef WRAPS
extern void *__libc_malloc(size_t size);
extern void __libc_free(void *p);

void *malloc(size_t size)
{
	return __libc_malloc(size);
}

void free(void *p)
{
	__libc_free(p);
}
#endif

static void *by(int way, size_t size)
{
	void *p = NULL;

	switch (way) {
	case 0:
		return malloc(size);
	case 1:
		return calloc(1, size);
	case 2:
		return realloc(NULL, size);
	case 3:
		return memalign(16, size);
	case 4:
		return memalign(64, size);
	case 5:
		return aligned_alloc(64, size);
	case 6:
		return posix_memalign(&p, 64, size) ? NULL : p;
	default:
		return valloc(size);
	}
}

/* The allocator behind us may take it back by a way of its own. */
static void what_an_allocator_asks_for_itself_is_its_own(void)
{
	void *(*make)(size_t alignment, size_t size);
	int (*owns)(void *p);

	*(void **)&make = dlsym(RTLD_DEFAULT, "crossed_new");
	*(void **)&owns = dlsym(RTLD_DEFAULT, "crossed_owns");
	if (make)
		CHECK(owns(make(64, 40)));
}

int main(void)
{
	static const size_t sizes[SIZES] = { 40, 1000, 300000 };

	for (int way = 0; way < WAYS; way++) {
		for (size_t from = 0; from < SIZES; from++) {
			for (size_t to = 0; to < SIZES; to++) {
				char *p = by(way, sizes[from]);

				CHECK_THAT(p, "way %d has no %zu bytes", way,
					   sizes[from]);
				fill(p, sizes[from], 1);
				p = realloc(p, sizes[to]);
				CHECK_THAT(p, "way %d: %zu to %zu", way,
					   sizes[from], sizes[to]);
				CHECK(intact(p,
					     sizes[to] < sizes[from]
						     ? sizes[to]
						     : sizes[from],
					     1));
				free(p);
				free(by(way, sizes[from]));
				CHECK(!realloc(by(way, sizes[from]), 0));
			}
		}
	}
	what_an_allocator_asks_for_itself_is_its_own();
	return all_held();
}
