/* SPDX-License-Identifier: MIT */
/*
 * suppress.c - leaks that are known, in LeakSanitizer's syntax.
 */
#include "suppress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct suppressions {
	char **patterns;
	size_t count;
};

/* `pattern` without anchors: at the start of `name`, up to `to_end`. */
static bool match_here(const char *pattern, const char *name, bool to_end)
{
	const char *star = NULL, *retry = NULL;

	for (;;) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = name;
		} else if (!*pattern && (!to_end || !*name)) {
			return true;
		} else if (*pattern && *pattern == *name) {
			pattern++;
			name++;
		} else if (star && *retry) {
			pattern = star;
			name = ++retry;
		} else {
			return false;
		}
	}
}

bool suppress_pattern(const char *pattern, const char *name)
{
	size_t length = strlen(pattern);
	bool from_start = *pattern == '^';
	bool to_end = length > from_start && pattern[length - 1] == '$';
	char *bare = strdup(pattern + from_start);
	bool found = false;

	if (!bare)
		cli_die("out of memory");
	if (to_end)
		bare[strlen(bare) - 1] = '\0';
	do
		found = match_here(bare, name, to_end);
	while (!found && !from_start && *name++);
	free(bare);
	return found;
}

/* The number of the first line that is wrong, whose text is in *line; or 0. */
static unsigned read_patterns(struct suppressions *s, FILE *file, char **line)
{
	unsigned number = 0;
	size_t room = 0;

	while (getline(line, &room, file) > 0) {
		char *text = *line + strspn(*line, " \t");

		number++;
		text[strcspn(text, "\r\n")] = '\0';
		if (!*text || *text == '#')
			continue;
		if (strncmp(text, "leak:", 5) || !text[5]) {
			memmove(*line, text, strlen(text) + 1);
			return number;
		}
		s->patterns = cli_grow(s->patterns,
				       (s->count + 1) * sizeof *s->patterns);
		s->patterns[s->count++] = strdup(text + 5);
	}
	return 0;
}

struct suppressions *suppress_load(const char *path)
{
	struct suppressions *s = cli_alloc(sizeof *s);
	FILE *file = cli_open(path);
	char *line = NULL;
	unsigned wrong;

	*s = (struct suppressions){ 0 };
	wrong = read_patterns(s, file, &line);
	if (wrong)
		cli_die("%s:%u: '%s' is not leak:PATTERN", path, wrong, line);
	free(line);
	if (ferror(file))
		cli_die("%s: %s", path, strerror(errno));
	if (file != stdin)
		fclose(file);
	return s;
}

struct suppressions *suppress_own(const struct profile *profile)
{
	const char *text = profile->suppressions;
	struct suppressions *s = cli_alloc(sizeof *s);
	FILE *file = text && *text ? fmemopen((char *)text, strlen(text), "r")
				   : NULL;
	char *line = NULL;

	*s = (struct suppressions){ 0 };
	while (file && read_patterns(s, file, &line))
		cli_warn("__lsan_default_suppressions() of %s: '%s' is not "
			 "leak:PATTERN",
			 cli_shown(profile->program), cli_shown(line));
	free(line);
	if (file)
		fclose(file);
	return s;
}

void suppress_free(struct suppressions *s)
{
	while (s->count)
		free(s->patterns[--s->count]);
	free(s->patterns);
	free(s);
}

static bool matches_name(const struct suppressions *s, const char *name)
{
	for (size_t i = 0; name && i < s->count; i++)
		if (suppress_pattern(s->patterns[i], name))
			return true;
	return false;
}

bool suppress_matches(const struct suppressions *s,
		      const struct profile *profile, struct symbols *symbols,
		      const struct stack *stack)
{
	/* Names may have to be read from megabytes of debug information. */
	if (!s || !s->count)
		return false;
	for (uint32_t i = 0; i < stack->depth; i++) {
		const struct symbol *symbol =
			symbols_find(symbols, stack->frames[i]);
		const struct mapping *m =
			profile_mapping(profile, stack->frames[i] - 1);

		if (matches_name(s, m ? m->file : NULL))
			return true;
		for (; symbol; symbol = symbol->caller)
			if (matches_name(s, symbol->function) ||
			    matches_name(s, symbol->file))
				return true;
	}
	return false;
}
