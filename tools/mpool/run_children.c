/* SPDX-License-Identifier: MIT */
/*
 * run_children.c - what the children of a program left beside its own file.
 *
 * The library puts a child's process id in front of the name's ending: of
 * "app.mprof" comes "app.1234.mprof".  A pattern with a %p has it there.
 * Folders with a %p or %n in their names are not searched.
 */
#include "run.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "lasting.h"
#include "watch/lasting.h"
#include "watch/name.h"

/* Whether `name` is `pattern`, %p being any number and %n anything. */
static bool matches(const char *pattern, const char *name)
{
	for (; *pattern; pattern++, name++) {
		size_t most;

		if (*pattern == '%' && pattern[1] == 'p') {
			most = strspn(name, "0123456789");
			if (!most)
				return false;
			pattern++;
			name += most - 1;
			continue;
		}
		if (*pattern == '%' && pattern[1] == 'n') {
			for (most = strlen(name); most; most--)
				if (matches(pattern + 2, name + most))
					return true;
			return false;
		}
		if (*pattern == '%' && pattern[1] == '%')
			pattern++;
		if (*pattern != *name)
			return false;
	}
	return !*name;
}

/* The pattern of those that had to put their process id into the name. */
static char *numbered(const char *pattern)
{
	const char *dot = strrchr(pattern, '.');

	if (!dot || dot == pattern)
		return cli_format("%s.%%p", pattern);
	return cli_format("%.*s.%%p%s", (int)(dot - pattern), pattern, dot);
}

/* With * for %p and %n. */
static char *name_of_all(const char *folder, const char *pattern)
{
	char *name = cli_format("%s%s", folder, pattern), *to = name;

	for (const char *from = name; *from; from++) {
		bool any = *from == '%' && (from[1] == 'p' || from[1] == 'n');

		from += *from == '%' && from[1];
		*to++ = any ? '*' : *from;
	}
	*to = '\0';
	return name;
}

/*
 * A full disk leaves empty files, in which there is nothing to see; of a child
 * that was to look for leaks one says that it could not.
 */
static bool is_left(int folder, const char *name, const struct run *r)
{
	const struct timespec *began = &r->launch.began;
	struct stat s;

	return fstatat(folder, name, &s, 0) == 0 && (s.st_size || r->leaks) &&
	       (s.st_mtim.tv_sec != began->tv_sec
			? s.st_mtim.tv_sec > began->tv_sec
			: s.st_mtim.tv_nsec >= began->tv_nsec);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What a killed child kept beside its profile is its profile. */
static char *settled(const char *folder, const char *name)
{
	size_t length = strlen(name), ending = strlen(LASTING_ENDING);
	bool is = length > ending &&
		  !strcmp(name + length - ending, LASTING_ENDING);
	char *own = cli_format("%.*s", (int)(length - (is ? ending : 0)), name);

	if (is)
		lasting_settle(cli_format("%s%s", folder, own));
	return own;
}

void run_children(struct children *c, const struct run *r, const char *own)
{
	const char *path = r->pattern, *pattern = name_last(path);
	char *more = numbered(pattern);
	char *folder = cli_format("%.*s", (int)(pattern - path), path);
	DIR *files = opendir(*folder ? folder : ".");
	const struct dirent *entry;

	*c = (struct children){
		.name = name_of_all(
			folder, name_mentions(pattern, 'p') ? pattern : more),
	};
	while (files && (entry = readdir(files))) {
		const char *name = settled(folder, entry->d_name);

		if (!strcmp(name, name_last(own)) ||
		    !(matches(pattern, name) || matches(more, name)) ||
		    !is_left(dirfd(files), name, r))
			continue;
		c->paths =
			cli_grow(c->paths, (c->count + 1) * sizeof *c->paths);
		c->paths[c->count++] = cli_format("%s%s", folder, name);
	}
	if (files)
		closedir(files);
	if (c->count)
		qsort(c->paths, c->count, sizeof *c->paths, by_name);
	free(more);
	free(folder);
}
