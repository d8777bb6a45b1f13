/* SPDX-License-Identifier: MIT */
/*
 * exhaust.c - memory runs out, says so, and comes back.
 *
 * Usage: exhaust as|data|outer
 *   as     sets RLIMIT_AS a little above what the program uses
 *   data   sets RLIMIT_DATA so
 *   outer  lives with the limit it was started under
 * A cap on what is taken keeps the machine safe where a limit does not bite.
 */
#include "check.h"

#include <gnu/libc-version.h>

enum { ROOM = 24 << 20, CAP = 48 << 20 };

/* Objects form a list through themselves, so that nothing else is needed. */
struct object {
	struct object *next;
	size_t size;
};

/* Takes objects of a size until there are no more; how many they are. */
static size_t take_all(size_t size, struct object **list)
{
	size_t count = 0;

	while (count * size < CAP) {
		struct object *one;

		errno = 0;
		one = malloc(size);
		if (!one) {
			CHECK_THAT(errno == ENOMEM, "malloc(%zu): errno %d",
				   size, errno);
			break;
		}
		one->next = *list;
		one->size = size;
		fill(one + 1, (size - sizeof(*one)) % 256, (unsigned)size);
		*list = one;
		count++;
	}
	return count;
}

/* Since 2.42 glibc's own free does not, when memory is out. */
static int free_keeps_errno(void)
{
	return strverscmp(gnu_get_libc_version(), "2.42") < 0;
}

static void free_all(struct object **list)
{
	while (*list) {
		struct object *one = *list;
		size_t size = one->size;

		CHECK(intact(one + 1, (size - sizeof(*one)) % 256,
			     (unsigned)size));
		*list = one->next;
		errno = 42;
		free(one);
		CHECK(errno == 42 || !free_keeps_errno());
	}
}

/* With memory out, every function says no in its own way. */
static void all_refuse(void)
{
	void *kept = malloc(4096);
	void *untouched = &kept;

	if (kept)
		fill(kept, 4096, 5);
	errno = 0;
	CHECK(!malloc(CAP) && errno == ENOMEM);
	errno = 0;
	CHECK(!calloc(CAP / 16, 16) && errno == ENOMEM);
	errno = 0;
	CHECK(!realloc(opaque(kept), CAP) && errno == ENOMEM);
	CHECK(!kept || intact(kept, 4096, 5));
	CHECK(posix_memalign(&untouched, 64, CAP) == ENOMEM);
	CHECK(untouched == &kept);
	free(kept);
}

static void memory_comes_back(void)
{
	static const size_t sizes[] = { 16,  32,  48,	64,    80,     96,
					112, 128, 1000, 20000, 1 << 20 };

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < COUNT_OF(sizes); i++) {
			struct object *list = NULL;
			size_t first = take_all(sizes[i], &list);
			size_t again;

			free_all(&list);
			again = take_all(sizes[i], &list);
			free_all(&list);
			CHECK_THAT(first > 0, "no objects of %zu at all",
				   sizes[i]);
			CHECK_THAT(again >= first - first / 4,
				   "%zu objects of %zu, then only %zu", first,
				   sizes[i], again);
		}
	}
}

static void mixed_sizes_run_out_together(void)
{
	struct object *large = NULL, *small = NULL;

	take_all(1 << 20, &large);
	take_all(5000, &large);
	take_all(200, &large);
	all_refuse();
	for (size_t size = CLASS_STEP; size <= SMALL_MAX; size += CLASS_STEP)
		take_all(size, &small);
	all_refuse();
	free_all(&small);
	free_all(&large);
	large = malloc(1 << 20);
	CHECK(large);
	free(large);
}

int main(int argc, char **argv)
{
	CHECK(argc > 1);
	if (strcmp(argv[1], "as") == 0)
		limit_to(RLIMIT_AS, ROOM);
	else if (strcmp(argv[1], "data") == 0)
		limit_to(RLIMIT_DATA, ROOM);
	memory_comes_back();
	mixed_sizes_run_out_together();
	return all_held();
}
