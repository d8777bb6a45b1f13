/* SPDX-License-Identifier: MIT */
/*
 * sweep.c - pages that children left without a word.
 *
 * A child that ends by _exit or a signal takes its page along no more.  So its
 * relatives do, when they publish and when they end: a lock tells whether
 * somebody is at work in a file, and its first bytes whether it is a page.
 */
#include "watch/sweep.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/out.h"
#include "watch/name.h"
#include "watch/page.h"

enum { BUFFER = 2048 };

/* What getdents64(2) gives. */
struct entry {
	uint64_t inode;
	int64_t next;
	unsigned short bytes;
	unsigned char type;
	char name[];
};

/* Names are `stem`, digits, `ending`. */
struct family {
	char stem[NAME_MAX + 1];
	const char *ending, *own;
	size_t stem_length;
};

static struct {
	char name[NAME_MAX + 1];
	struct timespec written;
} left[SWEEP_KEPT_MOST];
static unsigned left_count;

/* The number comes last in a name that has it twice. */
static bool find_family(struct family *f, const char *path, pid_t id)
{
	char number[16];
	const char *at, *found = NULL;
	struct out o;

	out_memory(&o, number, sizeof number);
	out_i64(&o, id);
	out_char(&o, '\0');
	f->own = name_last(path);
	if (strlen(f->own) > NAME_MAX)
		return false;
	for (at = f->own; (at = strstr(at, number)); at++)
		found = at;
	if (!found)
		return false;
	f->stem_length = (size_t)(found - f->own);
	memcpy(f->stem, f->own, f->stem_length);
	f->ending = found + strlen(number);
	return true;
}

static bool is_relative(const struct family *f, const char *name)
{
	size_t digits;

	if (!strcmp(name, f->own) ||
	    strncmp(name, f->stem, f->stem_length) != 0)
		return false;
	digits = strspn(name + f->stem_length, "0123456789");
	return digits && !strcmp(name + f->stem_length + digits, f->ending);
}

/* A page of this user's that no process holds; *written: when last. */
static bool is_left(int folder, const char *name, struct timespec *written)
{
	int fd = openat(folder, name,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY |
				O_NONBLOCK);
	char magic[sizeof PAGE_MAGIC];
	struct stat st;
	bool is;

	if (fd < 0)
		return false;
	/* The lock comes before the first bytes: this one had it, or has. */
	is = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	     st.st_uid == geteuid() && st.st_nlink == 1 &&
	     pread(fd, magic, sizeof magic, 0) == (ssize_t)sizeof magic &&
	     !memcmp(magic, PAGE_MAGIC, sizeof magic) &&
	     flock(fd, LOCK_EX | LOCK_NB) == 0;
	*written = st.st_mtim;
	close(fd);
	return is;
}

static bool is_older(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec
				      : a->tv_nsec < b->tv_nsec;
}

/* One more that is left: when there are too many, the oldest goes. */
static void take(int folder, const char *name, const struct timespec *written,
		 unsigned kept)
{
	unsigned oldest = 0;

	if (left_count < kept) {
		oldest = left_count++;
	} else {
		for (unsigned i = 1; i < kept; i++)
			if (is_older(&left[i].written, &left[oldest].written))
				oldest = i;
		if (!kept || is_older(written, &left[oldest].written)) {
			unlinkat(folder, name, 0);
			return;
		}
		unlinkat(folder, left[oldest].name, 0);
	}
	strcpy(left[oldest].name, name);
	left[oldest].written = *written;
}

static int open_folder(const char *path)
{
	static char folder[PATH_MAX];
	size_t length = (size_t)(name_last(path) - path);

	memcpy(folder, length ? path : ".", length ? length : 1);
	folder[length ? length : 1] = '\0';
	return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void sweep(const char *path, pid_t id, unsigned kept)
{
	static _Alignas(struct entry) char buffer[BUFFER];
	static struct family family;
	struct timespec written;
	long n;
	int fd;

	if (!find_family(&family, path, id))
		return;
	fd = open_folder(path);
	left_count = 0;
	while (fd >= 0 &&
	       (n = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0)
		for (long at = 0; at < n;) {
			struct entry *e = (struct entry *)(buffer + at);

			if (is_relative(&family, e->name) &&
			    is_left(fd, e->name, &written))
				take(fd, e->name, &written, kept);
			at += e->bytes;
		}
	if (fd >= 0)
		close(fd);
}
