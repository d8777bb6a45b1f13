/* SPDX-License-Identifier: MIT */
/*
 * target.c - a file that statistics go to, again and again.
 *
 * Most files are overwritten in place.  A .prom file, which a scraper may
 * read at any moment, is written under a temporary name that does not end in
 * .prom, and renamed; where that is not allowed, it is overwritten too.
 *
 * In a sandbox that the process entered by itself, write(2) to the open file
 * is all that is done, and what is left of older, longer contents is
 * overwritten with newlines, which no format minds.  A second dump in there
 * follows the first.
 */
#include "watch/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* renameat() */
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watch/process.h"

enum {
	BUFFER = 16 * KIB, /* a table or JSON leaves in one write */
	TRIES = 4,	   /* at a file that others replace meanwhile */
};

static int failed(struct target *target, const char *why, int error)
{
	target->why = why;
	return error;
}

static int failed_call(struct target *target)
{
	int error = errno;

	return failed(target, file_error(error), error);
}

/* --- finding the file --- */

/* The folder a relative pattern starts in stays that of the start. */
static void note_start_folder(struct target *target)
{
	if (*target->pattern == '/' ||
	    !getcwd(target->path, sizeof target->path - 1))
		return;
	target->prefix = strlen(target->path);
	if (target->path[target->prefix - 1] != '/')
		target->path[target->prefix++] = '/';
	target->path[target->prefix] = '\0';
}

/* Makes the path anew from the pattern. */
static int resolve(struct target *target)
{
	char *rest = target->path + target->prefix;
	size_t size = sizeof target->path - target->prefix;

	if (!name_expand(rest, size, target->pattern, process_id(),
			 process_name()) ||
	    (target->numbered && !name_number(rest, size, process_id()))) {
		*rest = '\0';
		return failed(target, "the name is too long", ENAMETOOLONG);
	}
	return 0;
}

/* Opens the folder of the path, which must be the one that it was. */
static int open_folder(struct target *target)
{
	char *last = (char *)name_last(target->path);
	struct file before = target->folder;
	char kept = *last;
	int fd;

	if (file_valid(&target->folder))
		return 0;
	*last = '\0';
	fd = open(*target->path ? target->path : ".",
		  O_PATH | O_DIRECTORY | O_CLOEXEC);
	*last = kept;
	if (fd < 0)
		return failed_call(target);
	file_keep(&target->folder, fd);
	if (before.fd >= 0 && (before.device != target->folder.device ||
			       before.inode != target->folder.inode)) {
		file_close(&target->folder);
		target->folder = before;
		return failed(target, "its folder is out of reach", ENOENT);
	}
	return 0;
}

/* Whether `st` is of the file that now has the name; errno 0: another is. */
static bool has_the_name(const struct target *target, const struct stat *st)
{
	struct stat named;

	if (fstatat(target->folder.fd, name_last(target->path), &named,
		    AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	errno = 0;
	return named.st_dev == st->st_dev && named.st_ino == st->st_ino;
}

/* A log has been rotated, say: it is the name that counts. */
static bool lost_its_name(struct target *target, const struct stat *st)
{
	if (st->st_nlink == 0)
		return true;
	return open_folder(target) == 0 && !has_the_name(target, st) &&
	       (errno == 0 || errno == ENOENT);
}

static bool is_prometheus(const struct target *target)
{
	return name_format(target->path) == NAME_PROMETHEUS;
}

/* EAGAIN: another process owns the file, or has just replaced it. */
static int open_once(struct target *target)
{
	/* Who scrapes is another user. */
	mode_t mode = is_prometheus(target) ? 0666 : 0600;
	int fd = file_open(target->folder.fd, name_last(target->path), mode,
			   &target->why);
	struct stat st;

	if (fd < 0)
		return errno;
	if (fstat(fd, &st) < 0)
		st.st_mode = 0;
	if (S_ISREG(st.st_mode) && target->shared) {
		bool owned = flock(fd, LOCK_EX | LOCK_NB) < 0 &&
			     errno == EWOULDBLOCK;

		if ((owned && !target->numbered) ||
		    !has_the_name(target, &st)) {
			target->numbered |= owned;
			close(fd);
			return failed(target, "it is replaced all the time",
				      EAGAIN);
		}
	}
	target->length = 0;
	if (S_ISREG(st.st_mode)) {
		if (is_prometheus(target))
			target->length = st.st_size;
		else if (ftruncate(fd, 0) < 0)
			target->length = st.st_size;
	}
	file_keep(&target->file, fd);
	return 0;
}

static int open_file(struct target *target)
{
	int error = EAGAIN;

	for (int i = 0; error == EAGAIN && i < TRIES; i++) {
		error = resolve(target);
		if (!error)
			error = open_folder(target);
		if (!error)
			error = open_once(target);
	}
	return error;
}

void target_aim(struct target *target, const char *pattern, bool shared)
{
	target->pattern = pattern;
	target->prefix = 0;
	*target->path = '\0';
	target->folder = FILE_NONE;
	target->file = FILE_NONE;
	target->length = 0;
	target->shared = shared;
	target->numbered = false;
	target->why = NULL;
	if (shared)
		note_start_folder(target);
}

/*
 * A name with both the process id and the program's name would leave an empty
 * file for each program that the process was before exec: `env program`.
 * Nobody else takes such a name, so it can wait.
 */
int target_open(struct target *target)
{
	int error;

	if (!name_mentions(target->pattern, 'p') ||
	    !name_mentions(target->pattern, 'n'))
		return open_file(target);
	error = resolve(target);
	return error ? error : open_folder(target);
}

void target_fork_child(struct target *target)
{
	file_close(&target->file);
	/* A folder with %p in its name is another one for this process. */
	if (memchr(target->pattern, '%',
		   (size_t)(name_last(target->pattern) - target->pattern)))
		file_close(&target->folder);
	target->numbered = !name_mentions(target->pattern, 'p');
}

const char *target_name(const struct target *target)
{
	return *name_last(target->path) ? target->path : target->pattern;
}

void target_remove(struct target *target)
{
	struct stat st;

	if (!process_confined() && file_valid(&target->file) &&
	    fstat(target->file.fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    open_folder(target) == 0 && has_the_name(target, &st))
		unlinkat(target->folder.fd, name_last(target->path), 0);
	target_close(target);
}

void target_close(struct target *target)
{
	file_close(&target->file);
	file_close(&target->folder);
}

/* --- writing to it --- */

/* One at a time. */
static const struct file *written_to;

static bool is_there(void)
{
	return file_valid(written_to);
}

int target_print_to(const struct file *file, enum name_format format,
		    target_print *print, uint64_t *written)
{
	static char buffer[BUFFER];
	struct out o;

	if (process_muted())
		return EFBIG;
	out_open(&o, file->fd, buffer, sizeof buffer);
	o.bare = process_confined();
	o.is_there = is_there;
	written_to = file;
	print(&o, format);
	out_flush(&o);
	*written = o.written;
	return o.error;
}

static int write_confined(struct target *target, target_print *print)
{
	static const char newlines[64] = {
		[0 ... 63] = '\n',
	};
	uint64_t written = 0;
	int error = target_print_to(&target->file, name_format(target->path),
				    print, &written);
	off_t left = target->length - (off_t)written;

	for (; left > 0 && !error; left -= (off_t)sizeof newlines)
		error = out_write_bare(target->file.fd, newlines,
				       min_of((size_t)left, sizeof newlines));
	return error ? failed(target, file_error(error), error) : 0;
}

static int overwrite(struct target *target, target_print *print)
{
	int fd = target->file.fd;
	uint64_t written = 0;
	int error;

	error = target_print_to(&target->file, name_format(target->path), print,
				&written);
	target->length = error ? 0 : (off_t)written;
	/* Fails for a device or FIFO, where neither matters. */
	if (file_valid(&target->file) && ftruncate(fd, target->length) == 0)
		lseek(fd, 0, SEEK_SET);
	return error ? failed(target, file_error(error), error) : 0;
}

/* A temporary file like the one it is to replace, and owned like it. */
static int open_temporary(struct target *target, const char *name,
			  const struct stat *model)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	mode_t mode = model->st_mode & 0777;
	int fd = openat(target->folder.fd, name, flags, 0600);

	if (fd < 0 && errno == EEXIST) {
		/* Of a process that was killed and had our id. */
		unlinkat(target->folder.fd, name, 0);
		fd = openat(target->folder.fd, name, flags, 0600);
	}
	if (fd < 0)
		return -1;
	if (fchown(fd, (uid_t)-1, model->st_gid) < 0)
		mode &= ~(mode_t)070;
	fchmod(fd, mode);
	flock(fd, LOCK_EX | LOCK_NB);
	return fd;
}

/* EPERM: files cannot be made or renamed there; nothing has changed. */
static int replace(struct target *target, const struct stat *old,
		   target_print *print)
{
	const char *last = name_last(target->path);
	char name[NAME_MAX + 1];
	uint64_t written = 0;
	struct file new;
	struct out o;
	int error, fd;

	out_memory(&o, name, sizeof name);
	out_char(&o, '.');
	out_str(&o, last);
	out_char(&o, '.');
	out_i64(&o, process_id());
	out_text(&o, ".new", sizeof ".new");
	if (o.error || (fd = open_temporary(target, name, old)) < 0)
		return EPERM;
	file_note(&new, fd);
	error = target_print_to(&new, name_format(target->path), print,
				&written);
	if (!error &&
	    renameat(target->folder.fd, name, target->folder.fd, last) == 0) {
		file_close(&target->file);
		file_keep(&target->file, fd);
		lseek(target->file.fd, 0, SEEK_SET);
		target->length = (off_t)written;
		return 0;
	}
	unlinkat(target->folder.fd, name, 0);
	close(fd);
	return error ? failed(target, file_error(error), error) : EPERM;
}

/* Whatever the program has done to descriptor and name. */
static int reopen(struct target *target)
{
	struct stat st;

	if (!file_valid(&target->file)) {
		target->file = FILE_NONE;
	} else if (fstat(target->file.fd, &st) == 0 &&
		   lost_its_name(target, &st)) {
		file_close(&target->file);
	}
	return target->file.fd < 0 ? open_file(target) : 0;
}

int target_own(struct target *target)
{
	int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	struct stat named;
	int fd;

	if (process_confined() || reopen(target) ||
	    fstat(target->file.fd, &named) < 0 || !S_ISREG(named.st_mode) ||
	    named.st_size || open_folder(target) ||
	    !has_the_name(target, &named))
		return -1;
	fd = openat(target->folder.fd, name_last(target->path), flags);
	if (fd >= 0 &&
	    (fstat(fd, &named) < 0 || named.st_ino != target->file.inode ||
	     named.st_dev != target->file.device)) {
		close(fd);
		return -1;
	}
	return fd;
}

bool target_step_aside(struct target *target, const char *ending)
{
	char other[NAME_MAX + 1];
	struct stat st;
	struct out o;

	out_memory(&o, other, sizeof other);
	out_str(&o, name_last(target->path));
	out_str(&o, ending);
	out_char(&o, '\0');
	return !o.error && !process_confined() && file_valid(&target->file) &&
	       fstat(target->file.fd, &st) == 0 && open_folder(target) == 0 &&
	       has_the_name(target, &st) &&
	       renameat(target->folder.fd, name_last(target->path),
			target->folder.fd, other) == 0;
}

static int replace_regular(struct target *target, target_print *print)
{
	struct stat st;

	if (fstat(target->file.fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    open_folder(target) != 0)
		return EPERM;
	return replace(target, &st, print);
}

int target_replace(struct target *target, target_print *print)
{
	int error = process_confined() ? EPERM : reopen(target);

	return error ? error : replace_regular(target, print);
}

int target_write(struct target *target, target_print *print)
{
	int error;

	if (process_confined()) {
		if (target->file.fd >= 0)
			return write_confined(target, print);
		return failed(target, "the process is in a seccomp sandbox",
			      EPERM);
	}
	error = reopen(target);
	if (error)
		return error;
	if (is_prometheus(target)) {
		error = replace_regular(target, print);
		if (error != EPERM)
			return error;
	}
	return overwrite(target, print);
}
