/* SPDX-License-Identifier: MIT */
/*
 * name.c - names of statistics files, from what MPOOL_STATS says.
 */
#include "watch/name.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/out.h"
#include "watch/process.h"

static void put_program(struct out *o, const char *program)
{
	if (!*program)
		out_char(o, '_');
	for (; *program; program++) {
		unsigned char c = (unsigned char)*program;

		out_char(o, c < ' ' || c == 0x7f || c == '/' ? '_' : (char)c);
	}
}

bool name_expand(char *name, size_t size, const char *pattern, pid_t pid,
		 const char *program)
{
	struct out o;

	out_memory(&o, name, size);
	for (; *pattern; pattern++) {
		if (*pattern != '%') {
			out_char(&o, *pattern);
			continue;
		}
		switch (*++pattern) {
		case 'p':
			out_i64(&o, pid);
			break;
		case 'n':
			put_program(&o, program);
			break;
		case '%':
			out_char(&o, '%');
			break;
		default: /* not a conversion: as it stands */
			out_char(&o, '%');
			pattern--;
			break;
		}
	}
	out_char(&o, '\0');
	return !o.error;
}

bool name_mentions(const char *pattern, char letter)
{
	while ((pattern = strchr(pattern, '%')) && pattern[1]) {
		if (pattern[1] == letter)
			return true;
		pattern += 2;
	}
	return false;
}

const char *name_last(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* ".json" of "a/stats.json", "" of "a/stats" and of "a/.stats". */
static const char *ending_of(const char *path)
{
	const char *last = name_last(path);
	const char *dot = strrchr(last, '.');

	return dot && dot != last ? dot : last + strlen(last);
}

bool name_number(char *name, size_t size, pid_t pid)
{
	char *ending = (char *)ending_of(name);
	size_t length = strlen(ending) + 1;
	char number[16];
	struct out o;

	out_memory(&o, number, sizeof number);
	out_char(&o, '.');
	out_i64(&o, pid);
	if ((size_t)(ending - name) + o.used + length > size)
		return false;
	memmove(ending + o.used, ending, length);
	memcpy(ending, number, o.used);
	return true;
}

bool name_own(char *name, size_t size, const char *pattern, bool numbered)
{
	const char *folder = *pattern == '/' ? "" : process_folder();
	struct out o;

	out_memory(&o, name, size);
	out_str(&o, folder);
	if (*folder)
		out_char(&o, '/');
	return !o.error &&
	       name_expand(name + o.used, size - o.used, pattern, getpid(),
			   process_name()) &&
	       (!numbered || name_mentions(pattern, 'p') ||
		name_number(name, size, getpid()));
}

enum name_format name_format(const char *name)
{
	const char *ending = ending_of(name);

	if (strcmp(ending, ".json") == 0)
		return NAME_JSON;
	if (strcmp(ending, ".prom") == 0)
		return NAME_PROMETHEUS;
	return NAME_TEXT;
}
