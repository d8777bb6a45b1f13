/* SPDX-License-Identifier: MIT */
/*
 * out.c - formatted output without stdio.
 *
 * Text gathers in the caller's buffer and leaves when the buffer is full or
 * flushed.
 */
#include "base/out.h"

#include <errno.h>
#include <string.h>

enum { U64_DIGITS = 20 };

/* --- from the buffer on --- */

void out_open(struct out *o, int fd, char *buffer, size_t size)
{
	*o = (struct out){ .buffer = buffer, .size = size, .fd = fd };
}

void out_memory(struct out *o, char *buffer, size_t size)
{
	out_open(o, OUT_MEMORY, buffer, size);
}

int out_flush(struct out *o)
{
	if (o->fd == OUT_MEMORY || o->error || !o->used)
		return o->error;
	if (o->bare)
		o->error = out_write_bare(o->fd, o->buffer, o->used);
	else if (o->is_there && !o->is_there())
		o->error = EBADF;
	else
		o->error = out_write(o->fd, o->buffer, o->used);
	if (!o->error)
		o->written += o->used;
	o->used = 0;
	return o->error;
}

int out_line(struct out *o, int fd)
{
	static const char cut[] = "...";
	size_t room = o->size - o->used;

	if (o->error || !room) {
		o->used = o->size - sizeof cut;
		memcpy(o->buffer + o->used, cut, sizeof cut - 1);
		o->used += sizeof cut - 1;
	}
	o->buffer[o->used++] = '\n';
	if (o->bare)
		return out_write_bare(fd, o->buffer, o->used);
	return out_write(fd, o->buffer, o->used);
}

/* --- plain text --- */

void out_text(struct out *o, const char *text, size_t length)
{
	while (length && !o->error) {
		size_t n = o->size - o->used;

		if (n > length)
			n = length;
		memcpy(o->buffer + o->used, text, n);
		o->used += n;
		text += n;
		length -= n;
		if (!length)
			return;
		if (o->fd == OUT_MEMORY)
			o->error = ENOBUFS;
		else
			out_flush(o);
	}
}

void out_char(struct out *o, char c)
{
	out_text(o, &c, 1);
}

void out_str(struct out *o, const char *s)
{
	out_text(o, s, strlen(s));
}

void out_pad(struct out *o, char c, size_t n)
{
	while (n--)
		out_char(o, c);
}

void out_right(struct out *o, const struct out *cell, size_t width)
{
	if (width > cell->used)
		out_pad(o, ' ', width - cell->used);
	out_text(o, cell->buffer, cell->used);
}

void out_left(struct out *o, const struct out *cell, size_t width)
{
	out_text(o, cell->buffer, cell->used);
	if (width > cell->used)
		out_pad(o, ' ', width - cell->used);
}

/* --- numbers --- */

/* At least `least` digits of `n`. */
static void put_digits(struct out *o, uint64_t n, unsigned least)
{
	char digits[U64_DIGITS];
	char *end = digits + sizeof digits;
	char *p = end;

	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n || (size_t)(end - p) < least);
	out_text(o, p, (size_t)(end - p));
}

void out_u64(struct out *o, uint64_t n)
{
	put_digits(o, n, 1);
}

void out_i64(struct out *o, int64_t n)
{
	if (n < 0)
		out_char(o, '-');
	out_u64(o, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

void out_hex(struct out *o, uint64_t n)
{
	char digits[2 + 16];
	char *end = digits + sizeof digits;
	char *p = end;

	do
		*--p = "0123456789abcdef"[n & 15];
	while (n >>= 4);
	*--p = 'x';
	*--p = '0';
	out_text(o, p, (size_t)(end - p));
}

void out_grouped(struct out *o, uint64_t n)
{
	uint64_t unit = 1;

	while (n / unit >= 1000)
		unit *= 1000;
	out_u64(o, n / unit);
	for (unit /= 1000; unit; unit /= 1000) {
		out_char(o, ',');
		put_digits(o, n / unit % 1000, 3);
	}
}

void out_fixed(struct out *o, uint64_t n, unsigned decimals)
{
	uint64_t unit = 1;

	for (unsigned i = 0; i < decimals; i++)
		unit *= 10;
	out_u64(o, n / unit);
	if (!decimals)
		return;
	out_char(o, '.');
	put_digits(o, n % unit, decimals);
}

/*
 * `n` in the largest unit that leaves at least 1, rounded half up: tenths
 * below 100, whole above.
 */
static void put_scaled(struct out *o, uint64_t n, uint64_t step,
		       const char *const *unit)
{
	uint64_t rest = 0;
	uint64_t tenths;
	bool whole = true;

	for (; n >= step; unit++) {
		rest = n % step;
		n /= step;
		whole = false;
	}
	tenths = n * 10 + (rest * 10 + step / 2) / step;
	if (tenths >= 1000)
		n += rest * 2 >= step;
	if (n == step) {
		n = 1;
		tenths = 10;
		unit++;
	}
	if (whole || tenths >= 1000)
		out_u64(o, n);
	else
		out_fixed(o, tenths, 1);
	out_str(o, *unit);
}

void out_count_human(struct out *o, uint64_t n)
{
	static const char *const units[] = { "",   " k", " M", " G",
					     " T", " P", " E" };

	put_scaled(o, n, 1000, units);
}

void out_bytes_human(struct out *o, uint64_t n)
{
	static const char *const units[] = { " B",   " KiB", " MiB", " GiB",
					     " TiB", " PiB", " EiB" };

	put_scaled(o, n, 1024, units);
}

/* --- strings of strangers --- */

/* Bytes of the UTF-8 character that begins with `first`; 0: none does. */
static size_t utf8_promised(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Bytes of the UTF-8 character at `s`, or 0 when it is not one. */
static size_t utf8_length(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t length = utf8_promised(u[0]);

	/* The terminating NUL is no continuation: no read past it. */
	for (size_t i = 1; i < length; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than needed, a surrogate, above U+10FFFF. */
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return length;
}

/* Moves `*s` on by one character; returns its bytes, 0 when not UTF-8. */
static size_t next_character(const char **s)
{
	size_t length = utf8_length(*s);

	*s += length ? length : 1;
	return length;
}

/* `before` and two hexadecimal digits. */
static void put_byte(struct out *o, const char *before, unsigned char byte)
{
	static const char hex[] = "0123456789abcdef";

	out_str(o, before);
	out_char(o, hex[byte >> 4]);
	out_char(o, hex[byte & 15]);
}

/* Whether a terminal shows the character instead of obeying it. */
static bool prints(const char *character, size_t length)
{
	const unsigned char *u = (const unsigned char *)character;

	if (length == 1)
		return u[0] >= 0x20 && u[0] != 0x7f;
	/* U+0080..U+009F are control characters. */
	return length && !(u[0] == 0xc2 && u[1] < 0xa0);
}

void out_json_string(struct out *o, const char *s)
{
	out_char(o, '"');
	while (*s) {
		const char *character = s;
		size_t length = next_character(&s);
		char c = *character;

		if (!length) {
			out_str(o, "\\ufffd");
		} else if (!prints(character, length)) {
			put_byte(o, "\\u00", (unsigned char)s[-1]);
		} else {
			if (c == '"' || c == '\\')
				out_char(o, '\\');
			out_text(o, character, length);
		}
	}
	out_char(o, '"');
}

void out_label(struct out *o, const char *s)
{
	while (*s) {
		const char *character = s;
		size_t length = next_character(&s);

		if (*character == '\n')
			out_str(o, "\\n");
		else if (!prints(character, length))
			out_str(o, "\xef\xbf\xbd");
		else if (*character == '"' || *character == '\\')
			out_text(o, *character == '"' ? "\\\"" : "\\\\", 2);
		else
			out_text(o, character, length);
	}
}

void out_shown(struct out *o, const char *s, size_t most)
{
	const char *end = s + strnlen(s, most);

	while (s < end) {
		const char *character = s;
		size_t length = next_character(&s);

		if (prints(character, length)) {
			out_text(o, character, length);
			continue;
		}
		for (; character < s; character++)
			put_byte(o, "\\x", (unsigned char)*character);
	}
	if (*s)
		out_str(o, "...");
}

void out_quoted(struct out *o, const char *s, size_t most)
{
	out_char(o, '\'');
	out_shown(o, s, most);
	out_char(o, '\'');
}
