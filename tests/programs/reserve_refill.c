/* SPDX-License-Identifier: MIT */
/*
 * reserve_refill.c - a class runs dry; frees fill its reserve first.
 *
 * Usage: reserve_refill [RESERVE]
 * Under RLIMIT_DATA, one class after the other is emptied to NULL.  The last
 * objects given are the reserve: prefaulted, so using them costs no fault.
 */
#include "memory_out.h"
#include "snapshot.h"

#include <sys/mman.h>

static size_t reserve = 64;
static unsigned class_index;

static long current(void)
{
	static struct class_row row[SMALL_CLASSES];

	read_classes(row);
	CHECK(row[class_index].reserve_min == (long)reserve);
	return row[class_index].reserve_current;
}

/* Whether the page that holds a byte is in memory already. */
static int is_present(char *byte)
{
	size_t page = (size_t)getpagesize();
	unsigned char present = 0;

	CHECK(!mincore((void *)((uintptr_t)byte & ~(page - 1)), 1, &present));
	return present & 1;
}

static void is_prefaulted(char *object, size_t size)
{
	CHECK_THAT(is_present(object) && is_present(object + size - 1),
		   "an object of %zu in the reserve is not in memory", size);
}

static void run_dry_and_refill(size_t size)
{
	size_t count = take_up_to(size, 0, OBJECTS_MAX);
	long refilled;

	CHECK_THAT(count < OBJECTS_MAX, "no end of objects of %zu", size);
	CHECK_THAT(count >= reserve, "only %zu objects of %zu", count, size);
	CHECK_THAT(current() == 0, "class %zu is empty, but not its reserve",
		   size);
	for (size_t i = count - reserve; i < count; i++)
		is_prefaulted(taken[i], size);
	for (size_t i = count - reserve; i < count; i++)
		fill(taken[i], size, (unsigned)i);

	/* As many frees as the reserve has places. */
	for (size_t i = count - reserve; i < count; i++) {
		CHECK(intact(taken[i], size, (unsigned)i));
		free(taken[i]);
	}
	refilled = current();
	CHECK_THAT(refilled == (long)reserve,
		   "class %zu: %zu frees bring the reserve to %ld", size,
		   reserve, refilled);
	CHECK(take_up_to(size, count - reserve, reserve) == reserve);
	for (size_t i = 0; i < count; i++)
		free(taken[i]);
	CHECK(current() == (long)reserve);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		reserve = (size_t)atol(argv[1]);
	if (!pools_present())
		skip("without the pools there is no reserve");
	get_ready();
	limit_to(RLIMIT_DATA, 1 << 20);
	for (class_index = 0; class_index < SMALL_CLASSES; class_index++)
		run_dry_and_refill((class_index + 1) * CLASS_STEP);
	return all_held();
}
