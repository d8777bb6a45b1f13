/* SPDX-License-Identifier: MIT */
/*
 * cli.h - what every subcommand of mpool needs: errors, options, numbers.
 */
#ifndef MPOOL_CLI_H
#define MPOOL_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit statuses, as people expect them. */
enum {
	CLI_OK = 0,
	CLI_FAILED = 1, /* what was asked for could not be done */
	CLI_USAGE = 2,	/* it could not be understood */
};

/* A subcommand.  argv[0] is its name; returns an exit status. */
struct cli_command {
	const char *name;
	const char *summary; /* one line */
	const char *help;    /* the text of --help, without the first lines */
	int (*run)(int argc, char **argv);
};

/* Ended by a NULL name; defined in main.c. */
extern const struct cli_command cli_commands[];

/* The subcommand that runs, for messages and --help. */
extern const struct cli_command *cli_current;

/* "mpool run: MESSAGE" on stderr, a line; the program goes on. */
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, then exit. */
_Noreturn void cli_die(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* The same for a command line that cannot be understood: names --help. */
_Noreturn void cli_usage(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Only that name: getopt has said what is wrong. */
_Noreturn void cli_try_help(void);

/* Prints the help of the current subcommand to stdout and exits with 0. */
_Noreturn void cli_help(void);

/* "512k", "1M", "64": a count with a binary suffix; dies naming `option`. */
uint64_t cli_size(const char *option, const char *value);

/* Decimal seconds, "0.5"; dies naming `option`. */
double cli_seconds(const char *option, const char *value);

/*
 * "WHAT of libmpool 1.2.0 in format 5; ...": what another version of the
 * library (LIBRARY "": unknown) wrote in a format that is not ours.  Static.
 */
const char *cli_other_format(const char *what, const char *library,
			     const char *format, unsigned ours);

/* Warns, once, when what can be read is of another version than this tool. */
void cli_note_version(const char *what, const char *library);

/* Memory, or the end of the program. */
void *cli_alloc(size_t bytes);
void *cli_grow(void *old, size_t bytes);
char *cli_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A stranger's text, harmless to a terminal, see out_shown(); allocated. */
char *cli_shown(const char *text);

/* A word as a shell takes it, in quotes if need be; never freed. */
const char *cli_quoted(const char *word);

/* "1.5 MiB" in a static buffer of eight that take turns; and "12.3 k". */
const char *cli_bytes(uint64_t n);
const char *cli_count(uint64_t n);

/*
 * Opens `path` for reading ("-": stdin), or dies naming it and the reason.
 */
FILE *cli_open(const char *path);

/*
 * The same for a file that may not be there; NULL: it is not, or no file.  A
 * pipe with nobody at its other end would keep us waiting.
 */
FILE *cli_open_regular(const char *path);

/* Dies when what is to be written is `source`, which is still to be read. */
void cli_check_apart(const char *path, const char *source);

/*
 * Creates `path` (NULL or "-": stdout), or dies naming it and the reason: that
 * it is `source`, too, which is still to be read (NULL: none).
 */
FILE *cli_create(const char *path, const char *source);

/*
 * Closes what it gave, which gets its name now; dies, naming `path`, when not
 * all could be written.
 */
void cli_finish(FILE *file, const char *path);

#endif
