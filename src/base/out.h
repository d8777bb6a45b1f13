/* SPDX-License-Identifier: MIT */
/*
 * out.h - formatted output without stdio.
 *
 * For code that runs inside malloc, in a signal's aftermath or at exit:
 * nothing here allocates, takes a lock, is a cancellation point or changes
 * errno.  The caller brings the buffer.
 */
#ifndef BASE_OUT_H
#define BASE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/out_write.h"

enum {
	OUT_LINE = 512,	 /* a buffer that fits every one-line message */
	OUT_MEMORY = -1, /* in the place of an fd: text stays in the buffer */
};

/*
 * Text on its way to a file descriptor, or into memory.
 *
 * used <= size; what lies below `used` is not written yet.  After an error
 * all further text is dropped.  Owner: the caller; no lock.
 */
struct out {
	char *buffer;
	size_t size, used;
	uint64_t written; /* bytes that the fd has taken */
	int fd;		  /* or OUT_MEMORY */
	int error;	  /* errno of the first failure; ENOBUFS: memory full */
	bool bare;	  /* write(2) and no other call, see out_write_bare() */
	bool (*is_there)(void); /* asked before each write, unless NULL */
};

void out_open(struct out *o, int fd, char *buffer, size_t size);
void out_memory(struct out *o, char *buffer, size_t size);

void out_text(struct out *o, const char *text, size_t length);
void out_char(struct out *o, char c);
void out_str(struct out *o, const char *s);
void out_pad(struct out *o, char c, size_t n);

void out_u64(struct out *o, uint64_t n);
void out_i64(struct out *o, int64_t n);
void out_hex(struct out *o, uint64_t n);	 /* 0x7f00 */
void out_grouped(struct out *o, uint64_t n);	 /* 1,234,567 */
void out_count_human(struct out *o, uint64_t n); /* 999, 1.5 k, 12 M */
void out_bytes_human(struct out *o, uint64_t n); /* 999 B, 1.5 MiB */

/* `n` / 10^decimals with a point: out_fixed(o, 3214, 3) gives 3.214. */
void out_fixed(struct out *o, uint64_t n, unsigned decimals);

/* The text of memory sink `cell`, right- or left-aligned in `width`. */
void out_right(struct out *o, const struct out *cell, size_t width);
void out_left(struct out *o, const struct out *cell, size_t width);

/*
 * A JSON string with its quotes, control characters as \uNNNN.  Bytes that are
 * not UTF-8 become U+FFFD.
 */
void out_json_string(struct out *o, const char *s);

/*
 * A Prometheus label value without quotes.  What is not UTF-8, or would be
 * obeyed by a terminal and has no escape there, becomes U+FFFD.
 */
void out_label(struct out *o, const char *s);

/*
 * A stranger's string, safe for a terminal: what does not print is shown as
 * \xNN, and after `most` bytes comes "...".
 */
void out_shown(struct out *o, const char *s, size_t most);

/* The same between single quotes. */
void out_quoted(struct out *o, const char *s, size_t most);

/* Returns 0, or the errno of the first failure. */
int out_flush(struct out *o);

/*
 * Sends memory sink `o`, cut if it was too long and ended by a newline,
 * to `fd` with one write(2).  Returns 0 or an errno.
 */
int out_line(struct out *o, int fd);

#endif
