/* SPDX-License-Identifier: MIT */
/*
 * file.c - files of ours in a stranger's process.
 *
 * What file_open() refuses is what somebody else could have put in the
 * place of the file, in a folder such as /tmp, to have this user overwrite
 * something: a symbolic link, a hard link, a file or FIFO of his own.
 */
#include "watch/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	NUMBERS = 4096, /* descriptor numbers; each costs the kernel memory */
	OURS = 16,	/* at the upper end of them */
};

void file_note(struct file *file, int fd)
{
	struct stat st;

	*file = FILE_NONE;
	if (fstat(fd, &st) == 0)
		*file = (struct file){ fd, st.st_dev, st.st_ino };
}

void file_copy(struct file *file, int fd)
{
	struct rlimit limit = { .rlim_cur = NUMBERS };
	int floor;

	*file = FILE_NONE;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = min_of(limit.rlim_cur, (rlim_t)NUMBERS);
	floor = limit.rlim_cur > OURS ? (int)limit.rlim_cur - OURS : 0;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, floor);
	if (fd >= 0)
		file_note(file, fd);
}

static bool is_same(const struct file *a, const struct file *b)
{
	return a->device == b->device && a->inode == b->inode;
}

void file_keep(struct file *file, int fd)
{
	struct file was, copy;

	file_note(&was, fd);
	file_copy(&copy, fd);
	/* The program may have taken the copy's number by now. */
	if (copy.fd >= 0 && is_same(&copy, &was)) {
		close(fd);
		*file = copy;
	} else {
		*file = was;
	}
}

bool file_valid(const struct file *file)
{
	struct stat st;

	return file->fd >= 0 && fstat(file->fd, &st) == 0 &&
	       st.st_dev == file->device && st.st_ino == file->inode;
}

bool file_reopen(struct file *file, const char *path)
{
	struct file before = *file;
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return false;
	file->fd = fd;
	if (file_valid(file)) {
		file_keep(file, fd);
		if (is_same(file, &before))
			return true;
	} else {
		close(fd);
	}
	*file = before;
	return false;
}

void file_close(struct file *file)
{
	if (file_valid(file))
		close(file->fd);
	*file = FILE_NONE;
}

const char *file_error(int error)
{
	const char *words = strerrordesc_np(error);

	return words ? words : "unknown error";
}

/* What is wrong with an open file, and its errno; NULL when nothing is. */
static const char *refusal(const struct stat *st, int *error)
{
	*error = EPERM;
	if (S_ISCHR(st->st_mode))
		return NULL;
	if (!S_ISREG(st->st_mode) && !S_ISFIFO(st->st_mode))
		return "not a file";
	if (st->st_uid != geteuid())
		return "it belongs to another user";
	if (S_ISREG(st->st_mode) && st->st_nlink > 1) {
		*error = EMLINK;
		return "it has another name (hard link)";
	}
	return NULL;
}

int file_open(int folder, const char *name, mode_t mode, const char **why)
{
	int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY |
		    O_NONBLOCK;
	int fd = openat(folder, name, flags, mode);
	struct stat st;
	int error;

	if (fd < 0) {
		*why = file_error(errno);
		if (errno == ELOOP)
			*why = "it is a symbolic link";
		if (errno == ENXIO)
			*why = "nobody reads from it";
		return -1;
	}
	if (fstat(fd, &st) == 0) {
		*why = refusal(&st, &error);
	} else {
		error = errno;
		*why = file_error(error);
	}
	if (!*why)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

/* Clears the way for a new file.  False: it must not be, see file_create(). */
static bool make_way(const char *path, const char **why)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY |
				    O_NONBLOCK);
	struct stat st;
	int error = EPERM;

	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0) {
		*why = errno == ELOOP ? "it is a symbolic link"
				      : file_error(errno);
		return false;
	}
	*why = "not a file";
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		*why = refusal(&st, &error);
	if (!*why && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		*why = "another process is at work in it";
		error = EBUSY;
	}
	if (!*why && unlink(path) < 0) {
		error = errno;
		*why = file_error(error);
	}
	close(fd);
	errno = error;
	return !*why;
}

int file_create(const char *path, const char **why)
{
	int fd;

	*why = NULL;
	if (!make_way(path, why))
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		  0600);
	if (fd < 0)
		*why = file_error(errno);
	else
		flock(fd, LOCK_EX | LOCK_NB);
	return fd;
}

bool file_is_lent(const char *path)
{
	return strncmp(path, "/proc/", 6) == 0 && strstr(path, "/fd/");
}

int file_borrow(const char *path, const char **why)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int error;

	if (fd < 0) {
		*why = file_error(errno);
		return -1;
	}
	error = EPERM;
	*why = "it is no file in memory of this user's";
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !st.st_nlink &&
	    st.st_uid == geteuid()) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		error = EBUSY;
		*why = "another process is at work in it";
	}
	close(fd);
	errno = error;
	return -1;
}

bool file_allowed(off_t bytes)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) < 0 ||
	       limit.rlim_cur == RLIM_INFINITY ||
	       (rlim_t)bytes <= limit.rlim_cur;
}

int file_extend(int fd, off_t where, off_t bytes)
{
	int error;

	if (!file_allowed(where + bytes))
		return EFBIG;
	do
		error = posix_fallocate(fd, where, bytes);
	while (error == EINTR);
	return error;
}
