/* SPDX-License-Identifier: MIT */
/*
 * profile.c - reads a profile.
 *
 * The file may come from anywhere: see profile_rows.c and lasting.c.
 */
#include "profile.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "gzip.h"
#include "lasting.h"
#include "profile_pools.h"
#include "profile_rows.h"

/* What a profile unfolds to at most: a few kB could ask for more. */
static const uint64_t most = 1 << 30;

#define FIRST "mpool-profile "

/* Rows name stacks that come later. */
static const char *check_stacks(const struct profile *p)
{
	for (size_t i = 0; i < p->site_count; i++)
		if (p->sites[i].stack >= p->stack_count)
			return "a site names a stack that is not there";
	for (size_t i = 0; i < p->object_count; i++)
		if (p->objects[i].stack >= p->stack_count)
			return "an object names a stack that is not there";
	return NULL;
}

static bool read_format(struct profile *p, const char *format)
{
	p->format = (unsigned)(*format - '0');
	return !strcmp(format, "1") || !strcmp(format, "2");
}

/* The line behind the first, and the library that it names as a rule. */
static const char *other_format(const char *format, const char *next)
{
	char library[16] = "";

	sscanf(next, "version %15s", library);
	return cli_other_format("a profile", library, format, 2);
}

static const char *read_lines(struct profile *p, char *text, size_t length,
			      uint64_t *number)
{
	char *end = text + length, *line = text, *next;
	const char *wrong = NULL;

	for (*number = 1; line < end && !wrong; line = next, ++*number) {
		if (*number == 1 && strncmp(line, FIRST, sizeof FIRST - 1))
			return "this is no profile of libmpool";
		next = memchr(line, '\n', (size_t)(end - line));
		if (!next)
			return "the file is cut: its last line has no end";
		*next++ = '\0';
		if (*number == 1 && !read_format(p, line + sizeof FIRST - 1))
			return other_format(line + sizeof FIRST - 1, next);
		if (*number == 1)
			continue;
		if (!strcmp(line, "end"))
			return next == end ? check_stacks(p)
					   : "there is more after the end";
		wrong = profile_read_line(p, line);
		if (!wrong && p->bytes > most)
			wrong = "it unfolds to more than 1 GiB";
		if (wrong)
			return wrong;
	}
	return length ? "the file is cut: the line \"end\" is missing"
		      : "the file is empty";
}

static const char *read_lasting(struct profile *p, const char *bytes,
				size_t length, uint64_t *where)
{
	const char *wrong;
	size_t text_length;
	char *text =
		lasting_profile(bytes, length, &text_length, &wrong, where);

	if (!text)
		return wrong;
	wrong = read_lines(p, text, text_length, where);
	free(text);
	return wrong;
}

const char *profile_parse(struct profile *profile, char *text, size_t length,
			  uint64_t *line)
{
	const char *wrong;

	*profile = (struct profile){ 0 };
	wrong = lasting_is(text, length)
			? read_lasting(profile, text, length, line)
			: read_lines(profile, text, length, line);
	if (wrong) {
		profile_free(profile);
		return wrong;
	}
	if (!profile->program)
		profile->program = strdup("?");
	profile_sum_pools(profile);
	return NULL;
}

const char *profile_read(struct profile *profile, const char *path)
{
	static char said[PATH_MAX + 256];
	const char *wrong;
	uint64_t line;
	size_t length;
	char *text;

	path = lasting_path(path);
	text = gzip_read(path, FIRST, &length, &wrong);
	if (!text) {
		snprintf(said, sizeof said, "%s: %s", path, wrong);
		return said;
	}
	wrong = profile_parse(profile, text, length, &line);
	if (!wrong && strcmp(path, "-"))
		profile->path = realpath(path, NULL);
	free(text);
	if (!wrong)
		return NULL;
	snprintf(said, sizeof said, "%s:%llu: %s", path,
		 (unsigned long long)line, wrong);
	return said;
}

void profile_load(struct profile *profile, const char *path)
{
	const char *wrong = profile_read(profile, path);

	if (wrong)
		cli_die("%s", wrong);
	if (profile->lost)
		cli_warn("%s: %llu samples are missing: "
			 "there was no room for them",
			 path, (unsigned long long)profile->lost);
	for (size_t i = 0; i < profile->cut_count; i++)
		cli_warn("%s: %llu stacks were cut, because %s", path,
			 (unsigned long long)profile->cuts[i].stacks,
			 profile->cuts[i].why);
}

void profile_free(struct profile *p)
{
	free(p->path);
	for (size_t i = 0; i < p->mapping_count; i++) {
		free(p->mappings[i].build_id);
		free(p->mappings[i].file);
	}
	for (size_t i = 0; i < p->stack_count; i++)
		free(p->stacks[i].frames);
	for (size_t i = 0; i < p->name_count; i++) {
		free(p->names[i].function);
		free(p->names[i].file);
	}
	free(p->mappings);
	free(p->stacks);
	free(p->sites);
	free(p->objects);
	free(p->names);
	free(p->children);
	free(p->moments);
	free(p->pools);
	for (size_t i = 0; i < p->cut_count; i++)
		free(p->cuts[i].why);
	free(p->program);
	free(p->version);
	free(p->suppressions);
	*p = (struct profile){ 0 };
}
