/* SPDX-License-Identifier: MIT */
/*
 * report.c - mpool report: reports of crimes, with the lines of source.
 *
 * A report is text among other text, and loggers put words of their own before
 * each line.  What it says of stacks and mappings is given to the reader of
 * profiles, so that all of it is checked there.
 */
#include "report.h"

#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "symbols.h"

const char help_report[] =
	"Usage: mpool report [-o OUT] PID|FILE...\n\n"
	"Of profiles, as 'mpool run --sample' leaves them, a page for the "
	"browser to\n"
	"send to a colleague: what ran, a flame graph of what lives, lived at "
	"the\n"
	"peak, was allocated or short-lived, functions, leaks, sizes.  PID is "
	"a\n"
	"program that runs under it.\n\n"
	"Of the reports of a program that ran with MPOOL_GUARD, text with "
	"functions\n"
	"and lines of source.  FILE is what MPOOL_REPORT named, or a log with "
	"what\n"
	"the program wrote to stderr.  '-' is standard input.\n\n"
	"  --base FILE        an earlier profile: the page shows what grew and "
	"shrank\n"
	"  -o, --out OUT      write there; - is the terminal, where text goes, "
	"and\n"
	"                     a page goes into FILE.html\n"
	"  -h, --help         this text\n";

#define BEGINS "libmpool: "
#define CRIME  " of 0x"
#define ENDS   "libmpool: end of the report of "
#define TRACE  " by thread "
#define MAP    "map 0x"

/* Lines of one report; texts begin where the program's own begin. */
struct report {
	char **lines;
	size_t count;
};

/* A line "#3 0x1234 FILE+0x12", behind whatever stands before it. */
static bool read_frame(const char *line, uint64_t *address)
{
	const char *at = line;
	char *end;

	while ((at = strchr(at, '#'))) {
		const char *digits = ++at;

		while (isdigit((unsigned char)*at))
			at++;
		if (at == digits || strncmp(at, " 0x", 3))
			continue;
		*address = strtoull(at + 1, &end, 16);
		return end > at + 3;
	}
	return false;
}

static bool is_map(const char *line)
{
	return strstr(line, MAP);
}

/* What a profile says in rows of its own. */
static char *as_profile(const struct report *r, size_t *length)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, length);
	unsigned stacks = 0;
	uint64_t address;

	if (!out)
		cli_die("out of memory");
	fputs("mpool-profile 1\nperiod 1\n", out);
	for (size_t i = 0; i < r->count; i++)
		if (is_map(r->lines[i]))
			fprintf(out, "%s\n", strstr(r->lines[i], MAP));
	for (size_t i = 0; i < r->count; i++)
		if (read_frame(r->lines[i], &address))
			fprintf(out, "stack %u 0x%llx\n", ++stacks,
				(unsigned long long)address);
	fputs("end\n", out);
	fclose(out);
	return text;
}

static void put_frame(FILE *out, unsigned *number, struct symbols *symbols,
		      uint64_t address)
{
	const struct symbol *s = symbols_find(symbols, address);

	for (; s; s = s->caller) {
		fprintf(out, "    #%u %s", (*number)++, s->function);
		if (s->file)
			fprintf(out, "  %s:%u", s->file, s->line);
		fputc('\n', out);
	}
}

static void put_line(FILE *out, const char *line)
{
	char *shown = cli_shown(line);

	fprintf(out, "%s\n", shown);
	free(shown);
}

/* Where it is garbled, as it is. */
static void put_report(FILE *out, const struct report *r)
{
	struct symbols *symbols = NULL;
	struct profile profile;
	size_t length;
	char *text = as_profile(r, &length);
	uint64_t wrong_line, address;
	unsigned number = 0;

	if (!profile_parse(&profile, text, length, &wrong_line))
		symbols = symbols_open(&profile);
	for (size_t i = 0; i < r->count; i++) {
		const char *line = r->lines[i];

		if (strstr(line, TRACE))
			number = 0;
		if (!symbols)
			put_line(out, line);
		else if (read_frame(line, &address))
			put_frame(out, &number, symbols, address);
		else if (!is_map(line))
			put_line(out, line);
	}
	if (symbols) {
		symbols_close(symbols);
		profile_free(&profile);
	}
	free(text);
}

static void add_line(struct report *r, const char *line)
{
	r->lines = cli_grow(r->lines, (r->count + 1) * sizeof *r->lines);
	r->lines[r->count++] = cli_format("%s", line);
}

static void clear(struct report *r)
{
	while (r->count)
		free(r->lines[--r->count]);
}

/* The first line, from where it says who it is. */
static const char *beginning(const char *line)
{
	const char *at = strstr(line, BEGINS);

	return at && strstr(at, CRIME) && !strstr(at, "the report is in ")
		       ? at
		       : NULL;
}

static bool is_part(const char *line)
{
	uint64_t address;

	return strstr(line, TRACE) || is_map(line) ||
	       read_frame(line, &address);
}

/* One without its end, since that was cut off, is shown as it is. */
static void put_cut(FILE *out, struct report *r)
{
	for (size_t i = 0; i < r->count; i++)
		put_line(out, r->lines[i]);
	clear(r);
}

size_t report_put(FILE *out, FILE *in)
{
	struct report r = { 0 };
	char *line = NULL;
	size_t room = 0, count = 0;

	while (getline(&line, &room, in) >= 0) {
		const char *begins;

		line[strcspn(line, "\n")] = '\0';
		begins = beginning(line);
		if (begins) {
			count += r.count != 0;
			put_cut(out, &r);
			add_line(&r, begins);
		} else if (r.count && strstr(line, ENDS)) {
			put_report(out, &r);
			clear(&r);
			count++;
		} else if (r.count && is_part(line)) {
			add_line(&r, line);
		}
	}
	count += r.count != 0;
	put_cut(out, &r);
	free(line);
	free(r.lines);
	return count;
}

/* By its first bytes, which are left unread; reports are not compressed. */
static bool is_profile(FILE *in)
{
	enum { GZIP = 0x1f };
	static const char magic[] = "mpool-profile ";
	size_t same = 0;
	int c = EOF;

	while (magic[same] && (c = getc(in)) == magic[same])
		same++;
	if (!magic[same])
		c = EOF;
	ungetc(c, in);
	if (c == GZIP)
		return true;
	for (size_t i = same; i-- > 0;)
		ungetc(magic[i], in); /* glibc takes them all */
	return !magic[same];
}

/* Of process ids only profiles are to be had. */
static bool are_profiles(char **files, size_t count)
{
	size_t profiles = 0;

	for (size_t i = 0; i < count; i++) {
		FILE *in;

		if (strspn(files[i], "0123456789") == strlen(files[i])) {
			profiles++;
			continue;
		}
		in = cli_open(files[i]);
		profiles += is_profile(in);
		if (in != stdin)
			fclose(in);
	}
	if (profiles && profiles < count)
		cli_usage("profiles and other files do not go together");
	return profiles;
}

static void report_text(const char *to, const char *file)
{
	FILE *in = cli_open(file), *out = cli_create(to, file);

	if (!report_put(out, in)) {
		if (ferror(in))
			cli_die("%s: cannot be read", file);
		cli_die("%s: no report of libmpool is in it", file);
	}
	if (out != stdout)
		cli_finish(out, to);
}

enum { OPT_BASE = 256 };

int command_report(int argc, char **argv)
{
	static const struct option options[] = {
		{ "base", required_argument, NULL, OPT_BASE },
		{ "out", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *to = NULL, *base = NULL;
	size_t count;
	int c;

	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			cli_help();
		case 'o':
			to = optarg;
			break;
		case OPT_BASE:
			base = optarg;
			break;
		default:
			cli_try_help();
		}
	}
	if (optind == argc)
		cli_usage("which report? A FILE is missing");
	count = (size_t)(argc - optind);
	if (are_profiles(argv + optind, count)) {
		report_page(to, base, argv + optind, count);
		return CLI_OK;
	}
	if (base)
		cli_usage("--base goes with profiles");
	if (count > 1)
		cli_usage("'%s' is one file too many", argv[optind + 1]);
	report_text(to, argv[optind]);
	return CLI_OK;
}
