/* SPDX-License-Identifier: MIT */
/*
 * gzip.c - files that may be compressed.
 *
 * Of several members that follow one another in a file the first is read.
 */
#include "gzip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/common.h"
#include "cli.h"

enum { CHUNK = 256 << 10 };

/* What is compressed stands for so much at most: a few kB could for more. */
static const size_t most = 1 << 30;

struct text {
	char *bytes;
	size_t length, room;
};

/* At least half a CHUNK of room, which is returned. */
static size_t make_room(struct text *t)
{
	if (t->room - t->length <= CHUNK / 2)
		t->bytes = cli_grow(t->bytes, t->room = 2 * t->room + CHUNK);
	return t->room - t->length - 1;
}

static void add_plain(struct text *t, const unsigned char *in, size_t n)
{
	make_room(t);
	memcpy(t->bytes + t->length, in, n);
	t->length += n;
}

/* Z_OK, Z_STREAM_END, or what is wrong. */
static int add_zipped(struct text *t, z_stream *z, unsigned char *in, size_t n)
{
	int state = Z_OK;

	z->next_in = in;
	z->avail_in = (unsigned)n;
	do {
		size_t room = make_room(t);

		z->next_out = (unsigned char *)t->bytes + t->length;
		z->avail_out = (unsigned)min_of(room, (size_t)CHUNK);
		state = inflate(z, Z_NO_FLUSH);
		t->length = (size_t)((char *)z->next_out - t->bytes);
	} while (state == Z_OK && !z->avail_out && t->length <= most);
	if (t->length > most)
		return Z_BUF_ERROR;
	return state == Z_BUF_ERROR ? Z_OK : state;
}

static const char *read_text(FILE *file, struct text *t, const char *first)
{
	static unsigned char in[CHUNK / 4];
	z_stream z = { 0 };
	bool zipped = false;
	int state = Z_OK;
	size_t n;

	while (state == Z_OK && (n = fread(in, 1, sizeof in, file)) > 0) {
		if (!z.total_in && !t->length && n > 1 && in[0] == 0x1f &&
		    in[1] == 0x8b)
			zipped = inflateInit2(&z, 16 + MAX_WBITS) == Z_OK;
		if (zipped)
			state = add_zipped(t, &z, in, n);
		else
			add_plain(t, in, n);
		if (memcmp(t->bytes, first, min_of(t->length, strlen(first))))
			break;
	}
	if (zipped)
		inflateEnd(&z);
	if (state == Z_BUF_ERROR)
		return "it is compressed, and holds more than 1 GiB";
	if (state != Z_OK && state != Z_STREAM_END)
		return "it is compressed, and damaged";
	return ferror(file) ? strerror(errno) : NULL;
}

char *gzip_read(const char *path, const char *first, size_t *length,
		const char **wrong)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	struct text t = { 0 };

	make_room(&t);
	*wrong = file ? read_text(file, &t, first) : strerror(errno);
	if (file && file != stdin)
		fclose(file);
	if (*wrong) {
		free(t.bytes);
		return NULL;
	}
	t.bytes[t.length] = '\0';
	*length = t.length;
	return t.bytes;
}

bool gzip_named(const char *name)
{
	size_t length = name ? strlen(name) : 0;

	return length > 3 && !strcmp(name + length - 3, ".gz");
}

static ssize_t write_gzip(void *file, const char *bytes, size_t length)
{
	int written = gzwrite(file, bytes, (unsigned)length);

	return written > 0 ? written : 0;
}

static int close_gzip(void *file)
{
	return gzclose(file) == Z_OK ? 0 : EOF;
}

FILE *gzip_to(FILE *out)
{
	static const cookie_io_functions_t how = { .write = write_gzip,
						   .close = close_gzip };
	int fd = dup(fileno(out));
	gzFile file = fd >= 0 ? gzdopen(fd, "wb") : NULL;
	FILE *compressed = file ? fopencookie(file, "w", how) : NULL;

	if (!compressed)
		cli_die("%s", strerror(errno));
	return compressed;
}

/* False: not all of it. */
static bool copy(int in, int to)
{
	static char buffer[CHUNK];
	int fd = dup(to);
	gzFile out = fd < 0 ? NULL : gzdopen(fd, "wb");
	bool done = out;
	ssize_t n = 0;

	while (done && (n = read(in, buffer, sizeof buffer)) > 0)
		done = gzwrite(out, buffer, (unsigned)n) == n;
	if (out)
		done = gzclose(out) == Z_OK && done;
	else if (fd >= 0)
		close(fd);
	return done && n == 0;
}

uint64_t gzip_replace(const char *path)
{
	int in = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char *other = cli_format("%s.XXXXXX", path);
	struct stat was, is = { 0 };
	bool done = in >= 0 && fstat(in, &was) == 0 && S_ISREG(was.st_mode) &&
		    was.st_uid == geteuid() && was.st_nlink == 1;
	int out = done ? mkostemp(other, O_CLOEXEC) : -1;

	done = out >= 0 && copy(in, out) &&
	       fchmod(out, was.st_mode & 07777) == 0 && fstat(out, &is) == 0 &&
	       rename(other, path) == 0;
	if (out >= 0 && !done)
		unlink(other);
	if (out >= 0)
		close(out);
	if (in >= 0)
		close(in);
	free(other);
	return done ? (uint64_t)is.st_size : 0;
}
