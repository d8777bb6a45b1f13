/* SPDX-License-Identifier: MIT */
/*
 * cli.c - what every subcommand of mpool needs: errors, options, numbers.
 */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/out.h"
#include "mempool/version.h"

const struct cli_command *cli_current;

static void say(const char *format, va_list arguments)
{
	char *text, *shown;

	fflush(stdout);
	fprintf(stderr, "mpool%s%s: ", cli_current ? " " : "",
		cli_current ? cli_current->name : "");
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	shown = text ? cli_shown(text) : NULL;
	fprintf(stderr, "%s\n", shown ? shown : "out of memory");
	free(shown);
	free(text);
}

void cli_warn(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
}

_Noreturn void cli_die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
	exit(CLI_FAILED);
}

_Noreturn void cli_try_help(void)
{
	fprintf(stderr, "Try 'mpool%s%s --help'.\n", cli_current ? " " : "",
		cli_current ? cli_current->name : "");
	exit(CLI_USAGE);
}

_Noreturn void cli_usage(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
	cli_try_help();
}

_Noreturn void cli_help(void)
{
	printf("mpool %s - %s\n\n%s", cli_current->name, cli_current->summary,
	       cli_current->help);
	cli_finish(stdout, NULL);
	exit(CLI_OK);
}

const char *cli_other_format(const char *what, const char *library,
			     const char *format, unsigned ours)
{
	static char text[256];

	snprintf(text, sizeof text,
		 "%s of libmpool%s%.15s in format %.15s; this "
		 "mpool " MEMPOOL_VERSION
		 " reads format %u: use the mpool that came "
		 "with the library",
		 what, *library ? " " : ", of unknown version,", library,
		 format, ours);
	return text;
}

void cli_note_version(const char *what, const char *library)
{
	static bool said;

	if (said || !*library || !strcmp(library, MEMPOOL_VERSION))
		return;
	said = true;
	cli_warn("%s: of libmpool %s; this is mpool " MEMPOOL_VERSION, what,
		 library);
}

uint64_t cli_size(const char *option, const char *value)
{
	static const char suffixes[] = "kmgt";
	const char *suffix;
	unsigned shift = 0;
	uint64_t n;
	char *end;

	errno = 0;
	n = strtoull(value, &end, 10);
	if (end == value || *value == '-' || errno)
		cli_usage("%s: '%s' is not a number such as 64, 512k or 1M",
			  option, value);
	if (*end && (suffix = strchr(suffixes, *end | 0x20))) {
		shift = 10 * (unsigned)(suffix - suffixes + 1);
		end++;
	}
	if (*end || n << shift >> shift != n)
		cli_usage("%s: '%s' is not a number such as 64, 512k or 1M",
			  option, value);
	return n << shift;
}

double cli_seconds(const char *option, const char *value)
{
	char *end;
	double n = strtod(value, &end);

	if (end == value || *end || !(n > 0) || n > 86400)
		cli_usage("%s: '%s' is not a number of seconds up to 86400",
			  option, value);
	return n;
}

void *cli_alloc(size_t bytes)
{
	return cli_grow(NULL, bytes);
}

void *cli_grow(void *old, size_t bytes)
{
	void *p = realloc(old, bytes ? bytes : 1);

	if (!p)
		cli_die("out of memory: %zu bytes", bytes);
	return p;
}

char *cli_format(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		cli_die("out of memory");
	va_end(arguments);
	return text;
}

char *cli_shown(const char *text)
{
	size_t size = 4 * strlen(text) + 1;
	char *shown = cli_alloc(size);
	struct out o;

	out_memory(&o, shown, size);
	out_shown(&o, text, SIZE_MAX);
	out_char(&o, '\0');
	return shown;
}

/* With a backslash before each of these: no shell ends a $'...' there. */
static char *escaped(const char *word)
{
	char *text = cli_alloc(2 * strlen(word) + 1), *to = text;

	for (; *word; *to++ = *word++)
		if (*word == '\\' || *word == '\'')
			*to++ = '\\';
	*to = '\0';
	return text;
}

const char *cli_quoted(const char *word)
{
	char *quoted, *to;

	if (strcmp(word, cli_shown(word)))
		return cli_format("$'%s'", cli_shown(escaped(word)));
	if (*word && !strpbrk(word, " \t\n\\\"'`$&|;<>()*?[]{}!#~"))
		return word;
	to = quoted = cli_alloc(4 * strlen(word) + 3);
	*to++ = '\'';
	for (; *word; word++)
		to = *word == '\'' ? stpcpy(to, "'\\''") : stpncpy(to, word, 1);
	strcpy(to, "'");
	return quoted;
}

static const char *human(uint64_t n, unsigned step, const char *const *units)
{
	static char buffers[8][24];
	static unsigned turn;
	char *buffer = buffers[turn++ % 8];
	double value = (double)n;
	unsigned unit = 0;

	while (value >= step - 0.5 && units[unit + 1]) {
		value /= step;
		unit++;
	}
	snprintf(buffer, sizeof buffers[0], "%.*f%s%s",
		 unit && value < 99.95 ? 1 : 0, value, *units[unit] ? " " : "",
		 units[unit]);
	return buffer;
}

const char *cli_bytes(uint64_t n)
{
	static const char *const units[] = { "B",   "KiB", "MiB", "GiB",
					     "TiB", "PiB", NULL };

	return human(n, 1024, units);
}

const char *cli_count(uint64_t n)
{
	static const char *const units[] = { "", "k", "M", "G", "T", NULL };

	return human(n, 1000, units);
}

FILE *cli_open(const char *path)
{
	FILE *file;

	if (strcmp(path, "-") == 0)
		return stdin;
	file = fopen(path, "re");
	if (!file)
		cli_die("%s: %s", path, strerror(errno));
	return file;
}

void cli_check_apart(const char *path, const char *source)
{
	struct stat from, to;

	if (path && source && !stat(source, &from) && !stat(path, &to) &&
	    S_ISREG(to.st_mode) && from.st_dev == to.st_dev &&
	    from.st_ino == to.st_ino)
		cli_die("%s is what is read; write to another file", path);
}

FILE *cli_open_regular(const char *path)
{
	struct stat s;

	return stat(path, &s) == 0 && S_ISREG(s.st_mode) ? fopen(path, "re")
							 : NULL;
}

/*
 * What is written takes the place of an older file when it is complete: who
 * dies before, for whatever is wrong with what is read, leaves that as it was.
 */
static char *half_written; /* NULL: nothing is */

static void remove_half_written(void)
{
	if (half_written)
		unlink(half_written);
}

/* Beside a file, or where one is to be; NULL: another kind, or no room. */
static FILE *create_beside(const char *path)
{
	char *name = cli_format("%s.%ld.new", path, (long)getpid());
	FILE *file = NULL;
	struct stat s;
	bool there = lstat(path, &s) == 0;

	if (!there ||
	    (S_ISREG(s.st_mode) && s.st_nlink == 1 && !access(path, W_OK)))
		file = fopen(name, "wxe");
	if (!file) {
		free(name);
		return NULL;
	}
	if (there)
		fchmod(fileno(file), s.st_mode & 0777);
	if (!half_written)
		atexit(remove_half_written);
	half_written = name;
	return file;
}

FILE *cli_create(const char *path, const char *source)
{
	FILE *file;

	if (!path || !strcmp(path, "-"))
		return stdout;
	cli_check_apart(path, source);
	file = create_beside(path);
	if (!file)
		file = fopen(path, "we");
	if (!file)
		cli_die("%s: %s", path, strerror(errno));
	return file;
}

void cli_finish(FILE *file, const char *path)
{
	errno = ENOSPC; /* for an error of earlier on */
	if (ferror(file) | (file == stdout ? fflush(file) : fclose(file)))
		cli_die("%s: %s", file == stdout ? "standard output" : path,
			strerror(errno));
	if (file == stdout || !half_written)
		return;
	if (rename(half_written, path))
		cli_die("%s: %s", path, strerror(errno));
	free(half_written);
	half_written = NULL;
}
