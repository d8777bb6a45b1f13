/* SPDX-License-Identifier: MIT */
/*
 * dump_errors.c - mpool_stats_dump returns 0, or -1 with errno.
 *
 * Usage: dump_errors FOLDER
 */
#include "snapshot.h"

#include <sys/stat.h>

int main(int argc, char **argv)
{
	struct stat about;
	char path[4096];

	CHECK(argc > 1);
	if (!pools_present())
		skip("no mpool_stats_dump");
	errno = 0;
	CHECK(mpool_stats_dump("/no/such/folder/file.json") == -1);
	CHECK(errno == ENOENT);
	errno = 0;
	CHECK(mpool_stats_dump("/dev/full") == -1);
	CHECK(errno == ENOSPC);
	CHECK(mpool_stats_dump(NULL) == -1);
	CHECK(mpool_stats_dump("") == -1);
	for (int i = 0; i < 3; i++) {
		static const char *const endings[] = { "json", "prom", "txt" };

		snprintf(path, sizeof(path), "%s/dump.%s", argv[1], endings[i]);
		CHECK(mpool_stats_dump(path) == 0);
		CHECK(!stat(path, &about) && about.st_size > 100);
		/* A second dump replaces the first. */
		CHECK(mpool_stats_dump(path) == 0);
		CHECK(!stat(path, &about) && about.st_size < 100000);
	}
	return all_held();
}
