/* SPDX-License-Identifier: MIT */
/*
 * process.h - the process itself: id, name, age, memory, confinement.
 */
#ifndef WATCH_PROCESS_H
#define WATCH_PROCESS_H

#include <sys/types.h>

#include "base/common.h"

enum {
	PROCESS_NAME = 64,
	PROCESS_LIBRARY = 16, /* bytes of our version, its zero included */
};

/*
 * Notes when the process started.  Called at start.  With `watch`, also its id
 * and its name, for argv may be overwritten later; and files of
 * /proc/self are opened and kept, for the day when the process may open nothing
 * more.
 */
void process_start(bool watch);

/* In a new child process: its own id; the files are opened anew. */
void process_fork_child(void);

/* Whether a fork that nobody announced made this process. */
bool process_changed(void);

pid_t process_id(void);

/* The program's name without its folder, at most PROCESS_NAME - 1 bytes. */
const char *process_name(void);

/*
 * The file that the program came from, as it was called at start; the loader
 * counts for none.
 */
const char *process_program(void);

/* The current folder at start; "" when it is out of reach. */
const char *process_folder(void);

/* Milliseconds since process_start(); 0 before. */
uint64_t process_age_ms(void);

/* When that was, in milliseconds since 1970 by the clock of the first call. */
uint64_t process_start_ms(void);

/*
 * Reads /proc/self/status, for those below; or does nothing, as another thread
 * is at it.  errno stays.
 */
void process_look(void);

/*
 * Since its start the process took on a seccomp filter, which may kill it at
 * any call that it would not have made by itself.
 */
bool process_confined(void);

/* And it set a limit to the size of files: a write to one may end it. */
bool process_muted(void);

/* The main thread has ended, and one other is all that is left. */
bool process_deserted(void);

/* Resident memory, now (0: unknown) and at most. */
uint64_t process_rss_bytes(void);
uint64_t process_peak_rss_bytes(void);

#endif
