/* SPDX-License-Identifier: MIT */
/*
 * cgroup_limit.c - in a memory cgroup at its limit, the reserve is used
 * without being killed.
 *
 * Usage: cgroup_limit USAGE_FILE LIMIT_BYTES
 * The test puts the process into a group of its own; the two arguments say
 * where the group's usage is read and where it ends.  There malloc never sees
 * NULL: whoever touches a new page is killed.  So the classes are emptied
 * under RLIMIT_DATA first, untouched; then the group is filled with other
 * pages; then the reserve, the last objects each class gave, is written to.
 */
#include "memory_out.h"
#include "snapshot.h"

#include <sys/mman.h>

/* The kernel charges a CPU's pages in batches: usage may be short of it. */
enum { RESERVE = 4096, SLACK = 256 << 10 };

static char text[4096];

static long usage_of(const char *path)
{
	CHECK_THAT(read_file(path, text, sizeof(text)) > 0, "no %s", path);
	return atol(text);
}

int main(int argc, char **argv)
{
	static void **last[SMALL_CLASSES];
	size_t page = (size_t)getpagesize(), filled = 0, count = 0;
	volatile char *filler;
	long limit;

	CHECK(argc > 2);
	limit = atol(argv[2]);
	if (!pools_present())
		skip("without the pools there is no reserve");
	get_ready();
	filler = mmap(NULL, (size_t)limit, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(filler != MAP_FAILED);
	CHECK(usage_of(argv[1]) < limit / 2);
	limit_to(RLIMIT_DATA, 1 << 20);
	for (unsigned c = 0; c < SMALL_CLASSES; c++) {
		count += take_up_to((c + 1) * CLASS_STEP, count, OBJECTS_MAX);
		CHECK(count < OBJECTS_MAX && count >= RESERVE);
		last[c] = &taken[count - RESERVE];
	}
	while (usage_of(argv[1]) < limit - SLACK) {
		CHECK(filled < (size_t)limit);
		filler[filled] = 1;
		filled += page;
	}
	say(STDOUT_FILENO, "full\n");
	for (unsigned c = 0; c < SMALL_CLASSES; c++)
		for (unsigned i = 0; i < RESERVE; i++)
			fill(last[c][i], (c + 1) * CLASS_STEP, i);
	for (unsigned c = 0; c < SMALL_CLASSES; c++)
		for (unsigned i = 0; i < RESERVE; i++)
			CHECK(intact(last[c][i], (c + 1) * CLASS_STEP, i));
	return all_held();
}
