/* SPDX-License-Identifier: MIT */
/*
 * target.h - a file that statistics go to, again and again.
 *
 * It must stay reachable whatever the program does: change its folder, root
 * or user, close all descriptors, enter a sandbox, fork.  So the file is
 * opened at start, and its folder is kept open to open it anew.
 *
 * A name may be meant by many processes, for children inherit the
 * environment.  The first to come owns it, by flock, for as long as it lives;
 * others put their process id into the name.  A file that has lost its name, as
 * logs do that are rotated, is left alone, and another is made.
 */
#ifndef WATCH_TARGET_H
#define WATCH_TARGET_H

#include <limits.h>

#include "base/out.h"
#include "watch/file.h"
#include "watch/name.h"

/*
 * path[0..prefix) is the folder that a relative pattern started in; the rest
 * is the pattern, expanded for this process.  folder is that of the path, and
 * file the one at the path, if open.  Between writes file's offset is 0.
 * Owner: the dump's lock.
 */
struct target {
	const char *pattern;
	char path[PATH_MAX];
	size_t prefix;
	struct file folder, file;
	off_t length;	 /* of what is in the file */
	bool shared;	 /* others may mean the same name: own it first */
	bool numbered;	 /* the process id was put into the name */
	const char *why; /* what went wrong last */
};

typedef void target_print(struct out *o, enum name_format format);

/*
 * Aims at `pattern`, which must stay.  Nothing is opened yet.  Unless
 * `shared`, the file is written to though another process may own it.
 */
void target_aim(struct target *target, const char *pattern, bool shared);

/*
 * Opens the folder, and the file too if that leaves no litter behind.
 * Returns 0 or an errno; then target->why says more.
 */
int target_open(struct target *target);

/*
 * Replaces the contents by what `print` writes, opening what is not open.
 * Returns 0 or an errno; then target->why says more, and the file is empty
 * or, if it has Prometheus' ending, unchanged.
 */
int target_write(struct target *target, target_print *print);

/*
 * The same by renaming, or not at all: whoever reads the name, even after the
 * process was killed in here, finds the old contents or the new.  EPERM: it is
 * no regular file, or cannot be renamed there, or system calls are barred.
 */
int target_replace(struct target *target, target_print *print);

/*
 * The file itself, opened once more to read and write; it is empty.  Returns
 * the descriptor, or -1: it is no regular file, or out of reach.
 */
int target_own(struct target *target);

/*
 * Gives the file another name, for the next one to take its own: `ending` is
 * added to it.  False: nothing has changed.
 */
bool target_step_aside(struct target *target, const char *ending);

/* In a new child: the file is the parent's, this process needs its own. */
void target_fork_child(struct target *target);

/* The path that was last tried, or the pattern. */
const char *target_name(const struct target *target);

/* The file goes, if it is still the one that has the name. */
void target_remove(struct target *target);

void target_close(struct target *target);

/*
 * Prints to any open file.  Returns 0 or an errno; EBADF: the program has
 * closed the descriptor meanwhile, and may have opened something else there.
 */
int target_print_to(const struct file *file, enum name_format format,
		    target_print *print, uint64_t *written);

#endif
