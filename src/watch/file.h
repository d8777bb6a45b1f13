/* SPDX-License-Identifier: MIT */
/*
 * file.h - files of ours in a stranger's process.
 *
 * The program may close any descriptor at any time and get its number for
 * something else.  So ours have high numbers, are closed at exec, and are
 * compared with what they were before each use.
 */
#ifndef WATCH_FILE_H
#define WATCH_FILE_H

#include <sys/types.h>

#include "base/common.h"

/* fd >= 0: `device` and `inode` are those of the file it stood for. */
struct file {
	int fd;
	dev_t device;
	ino_t inode;
};

#define FILE_NONE ((struct file){ .fd = -1 })

/* Notes what `fd` stands for and leaves it where it is. */
void file_note(struct file *file, int fd);

/* A copy of `fd` with a high number, closed at exec; FILE_NONE: no more. */
void file_copy(struct file *file, int fd);

/* Takes over `fd` and moves it to a high number, closed at exec. */
void file_keep(struct file *file, int fd);

/* Whether the descriptor still stands for what it did. */
bool file_valid(const struct file *file);

/*
 * Opens `path` in its place, to read and write, if it still leads to the same
 * file.  False: it does not; nothing has changed.
 */
bool file_reopen(struct file *file, const char *path);

/* Closes the descriptor if it is still ours. */
void file_close(struct file *file);

/*
 * Opens `name` in `folder` to write statistics: an existing regular file of
 * this user's own with no other name, a new one (`mode`, less the umask), a
 * character device, or a FIFO that somebody reads.  Never follows a link,
 * waits, or changes the contents.  Returns the descriptor, or -1, errno set,
 * and what is wrong in *why.
 */
int file_open(int folder, const char *name, mode_t mode, const char **why);

/*
 * Makes an empty file to be mapped, in the place of one of this user's own
 * that nobody has mapped, and locks it (flock): the lock lasts as long as the
 * descriptor or a mapping.  Returns the descriptor, or -1, errno set, and what
 * is wrong in *why; EBUSY: a process is at work in the one that is there.
 */
int file_create(const char *path, const char **why);

/* Whether it is somebody's descriptor: /proc/PID/fd/N. */
bool file_is_lent(const char *path);

/*
 * Opens such a descriptor of a file in memory, which has no name and belongs to
 * this user; for the rest as file_create().
 */
int file_borrow(const char *path, const char **why);

/* Whether a file of `bytes` may be written: beyond that comes a SIGXFSZ. */
bool file_allowed(off_t bytes);

/*
 * Has the file system put `bytes` at `where` aside, so that a full disk is an
 * error now and no SIGBUS later.  Returns 0 or an errno; raises no SIGXFSZ.
 */
int file_extend(int fd, off_t where, off_t bytes);

/* The system's words for an errno; needs no locale. */
const char *file_error(int error);

#endif
