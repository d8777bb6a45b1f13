/* SPDX-License-Identifier: MIT */
/*
 * reserve_promise.cc - with memory eaten up, small requests still succeed.
 *
 * Usage: reserve_promise as|data|outer [RESERVE [WIDE]]
 *   as, data   which limit is set a little above what is used; "outer" lives
 *              with the one it was started under
 *   RESERVE    objects that each class must still give, 64 without it
 *   WIDE       those of each class beyond 128 bytes, with MPOOL_SMALL_MAX=8k
 */
#include "memory_out.h"
#include "snapshot.h"

#include <execinfo.h>
#include <malloc.h>
#include <stdexcept>
#include <string>

static void strings_are_copied()
{
	for (int i = 0; i < 8; i++) {
		char *copy = strdup("strdup needs a few bytes");

		CHECK(copy);
		CHECK(strcmp(copy, "strdup needs a few bytes") == 0);
		free(copy);
	}
}

static void files_are_opened()
{
	char line[64];
	FILE *file = fopen("/proc/self/cmdline", "r");

	CHECK_THAT(file, "fopen: %s", strerror(errno));
	CHECK(fgets(line, sizeof(line), file));
	CHECK(strstr(line, "reserve_promise"));
	fclose(file);
}

static void stacks_are_traced()
{
	void *frame[32];
	int depth = backtrace(frame, 32);
	char **names;

	CHECK(depth >= 2);
	/* Not more than a class holds, so it is the pools that give this. */
	names = backtrace_symbols(frame, 1);
	free(names);
}

__attribute__((noinline)) static void fall(int depth)
{
	std::string name("a string too long to live in itself");

	if (depth == 0)
		throw std::runtime_error(name);
	fall(depth - 1);
	CHECK(!"reached");
}

static void exceptions_are_caught()
{
	bool caught = false;

	try {
		fall(10);
	} catch (const std::exception &e) {
		caught = strstr(e.what(), "too long to live") != nullptr;
	}
	CHECK(caught);
}

/* Behind the `count` objects taken before: so many more. */
static size_t class_gives(size_t size, size_t count, size_t reserve)
{
	size_t got = take_up_to(size, count, reserve);

	CHECK_THAT(got == reserve, "class %zu gives %zu of %zu", size, got,
		   reserve);
	for (size_t i = 0; i < got; i++)
		fill(taken[count + i], size, (unsigned)i);
	for (size_t i = 0; i < got; i++)
		CHECK(intact(taken[count + i], size, (unsigned)i));
	return count + got;
}

/* Objects of all classes at once; what was taken of each stays taken. */
static size_t each_class_gives(size_t reserve)
{
	size_t count = 0;

	for (size_t size = CLASS_STEP; size <= SMALL_MAX; size += CLASS_STEP)
		count = class_gives(size, count, reserve);
	return count;
}

/* The sizes of the classes beyond, and a 0. */
static size_t wide_sizes[64];

/* While there is memory: an object tells how large it is. */
static void wide_classes_are_found()
{
	size_t n = 0;

	for (size_t size = SMALL_MAX; size < 8192; n++) {
		void *p = malloc(size + 1);

		CHECK(p && n + 1 < sizeof wide_sizes / sizeof *wide_sizes);
		wide_sizes[n] = size = malloc_usable_size(p);
		free(p);
	}
}

/* The same of each of them; what was taken is given back. */
static void each_wide_class_gives(size_t reserve)
{
	size_t count = 0;

	for (const size_t *size = wide_sizes; *size; size++)
		count = class_gives(*size, count, reserve);
	while (count)
		free(taken[--count]);
}

static void reserve_is_full(size_t reserve)
{
	struct class_row row[SMALL_CLASSES];

	if (!pools_present())
		return;
	read_classes(row);
	for (int c = 0; c < SMALL_CLASSES; c++) {
		CHECK(row[c].reserve_min == (long)reserve);
		CHECK_THAT(row[c].reserve_current == (long)reserve,
			   "class %ld: %ld of %zu in reserve", row[c].size,
			   row[c].reserve_current, reserve);
	}
}

int main(int argc, char **argv)
{
	size_t reserve = argc > 2 ? (size_t)atol(argv[2]) : 64;
	size_t wide = argc > 3 ? (size_t)atol(argv[3]) : 0;
	void *large = NULL;
	size_t count;

	CHECK(argc > 1);
	get_ready();
	/* The first of each loads what it needs. */
	stacks_are_traced();
	exceptions_are_caught();
	files_are_opened();
	reserve_is_full(reserve);
	if (wide)
		wide_classes_are_found();
	if (strcmp(argv[1], "as") == 0)
		limit_to(RLIMIT_AS, 8 << 20);
	else if (strcmp(argv[1], "data") == 0)
		limit_to(RLIMIT_DATA, 8 << 20);

	/* Large blocks until they fail, as a program meets it. */
	eat(&large, 1 << 20);
	eat(&large, 1 << 16);
	strings_are_copied();
	files_are_opened();
	stacks_are_traced();
	exceptions_are_caught();

	if (wide) {
		eat(&large, 8193);
		each_wide_class_gives(wide);
		each_wide_class_gives(wide);
	}

	/* Then all that is not small, to the last byte. */
	eat(&large, 4096);
	eat(&large, SMALL_MAX + 1);
	strings_are_copied();
	stacks_are_traced();
	exceptions_are_caught();
	count = each_class_gives(reserve);
	for (size_t i = 0; i < count; i++)
		free(taken[i]);
	reserve_is_full(reserve);

	/* And again: the reserve is not used up by being used. */
	count = each_class_gives(reserve);
	for (size_t i = count; i-- > 0;)
		free(taken[i]);
	strings_are_copied();
	give_back(&large);
	reserve_is_full(reserve);
	return all_held();
}
