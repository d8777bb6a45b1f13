/* SPDX-License-Identifier: MIT */
/*
 * name.h - names of statistics files, from what MPOOL_STATS says.
 */
#ifndef WATCH_NAME_H
#define WATCH_NAME_H

#include <sys/types.h>

#include "base/common.h"

enum name_format { NAME_TEXT, NAME_JSON, NAME_PROMETHEUS };

/*
 * Replaces %p by `pid`, %n by `program` and %% by %.  What a file name cannot
 * or should not hold becomes _ in `program`.  False: longer than `size`.
 */
bool name_expand(char *name, size_t size, const char *pattern, pid_t pid,
		 const char *program);

/*
 * The same for this process; a relative pattern counts from the folder in
 * which the program started, whichever it is in now.  With `numbered`, the
 * process id is put into a name whose pattern has none.
 */
bool name_own(char *name, size_t size, const char *pattern, bool numbered);

/* Whether name_expand() would replace %`letter`. */
bool name_mentions(const char *pattern, char letter);

/*
 * Puts the process id before the ending: stats.json becomes stats.123.json.
 * False: longer than `size`, and unchanged.
 */
bool name_number(char *name, size_t size, pid_t pid);

/* By the ending: .json, .prom, else text. */
enum name_format name_format(const char *name);

/* What stands after the last slash. */
const char *name_last(const char *path);

#endif
