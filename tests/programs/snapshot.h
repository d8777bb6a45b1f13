/* SPDX-License-Identifier: MIT */
/*
 * snapshot.h - reads the pools' own statistics from inside a test program.
 *
 * mpool_stats_dump() is called if a preloaded library offers it, and the JSON
 * that it writes is searched for a few numbers.  Nothing here allocates.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include "check.h"

extern int mpool_stats_dump(const char *target) __attribute__((weak));

struct class_row {
	long size;
	long live;
	long waits;
	long reserve_min;
	long reserve_current;
	long reserve_used;
};

/* Whether the program runs under libmpool.so. */
__attribute__((unused)) static int pools_present(void)
{
	return mpool_stats_dump != NULL;
}

/* The number behind `key` in [text, end); -1 when the key is not there. */
__attribute__((unused)) static long
number_behind(const char *text, const char *end, const char *key)
{
	const char *at = strstr(text, key);

	if (!at || at >= end)
		return -1;
	at += strlen(key);
	while (*at == ' ' || *at == ':')
		at++;
	return atol(at);
}

/* Fills one row a class from a new dump.  Stops the program without one. */
__attribute__((unused)) static void read_classes(struct class_row *rows)
{
	static char text[1 << 16];
	const char *folder = getenv("TMPDIR");
	const char *at, *end;
	char path[256];

	snprintf(path, sizeof(path), "%s/mpool-test-%ld.json",
		 folder ? folder : "/tmp", (long)getpid());
	unlink(path);
	CHECK(mpool_stats_dump(path) == 0);
	CHECK_THAT(read_file(path, text, sizeof(text)) > 0,
		   "no statistics in %s", path);
	unlink(path);
	at = strstr(text, "\"classes\"");
	CHECK_THAT(at, "statistics without classes");
	for (int c = 0; c < SMALL_CLASSES; c++) {
		at = strstr(at, "\"size\"");
		CHECK_THAT(at, "statistics with %d classes only", c);
		end = strstr(at + 1, "\"size\"");
		if (!end)
			end = text + strlen(text);
		rows[c].size = number_behind(at, end, "\"size\"");
		rows[c].live = number_behind(at, end, "\"live\"");
		rows[c].waits = number_behind(at, end, "\"waits\"");
		at = strstr(at, "\"reserve\"");
		CHECK_THAT(at && at < end, "a class without reserve");
		rows[c].reserve_min = number_behind(at, end, "\"min\"");
		rows[c].reserve_current = number_behind(at, end, "\"current\"");
		rows[c].reserve_used = number_behind(at, end, "\"used\"");
	}
}

#endif
