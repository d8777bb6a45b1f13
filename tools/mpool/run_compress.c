/* SPDX-License-Identifier: MIT */
/*
 * run_compress.c - the profiles that a run left, made small.
 *
 * libmpool.so has no library to compress with, and writes text; one of many
 * stacks takes a twentieth of it compressed, and each reader takes both.  What
 * is small already stays text, unless its name ends in .gz.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fresh.h"
#include "gzip.h"
#include "run.h"

enum { SMALL = 64 << 10 };

/* Whether the process that writes it has ended: it might do so again. */
static bool is_over(const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	long pid = 0;
	bool profile = file && getline(&line, &room, file) > 0 &&
		       !strncmp(line, "mpool-profile ", 14);

	while (profile && !pid && getline(&line, &room, file) > 0)
		if (sscanf(line, "pid %ld", &pid) != 1)
			pid = 0;
	free(line);
	if (file)
		fclose(file);
	return pid > 0 && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

static void compress(const char *path)
{
	struct stat s;

	if (stat(path, &s) == 0 && (s.st_size > SMALL || gzip_named(path)) &&
	    fresh_is_whole(path) && is_over(path))
		gzip_replace(path);
}

void run_compress(const struct run *r, const struct children *children)
{
	compress(r->profile);
	for (size_t i = 0; i < children->count; i++)
		compress(children->paths[i]);
}
