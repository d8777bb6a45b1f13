/* SPDX-License-Identifier: MIT */
/*
 * talloc_shim_text.h - strings that are nodes.
 *
 * What appends to a string looks for its first zero; what appends to a buffer
 * goes by the node's size, and keeps what lies behind a zero in it.
 */
#ifndef MEMPOOL_SHIM_TALLOC_TEXT_H
#define MEMPOOL_SHIM_TALLOC_TEXT_H

#include <stdarg.h>
#include <string.h>

#include "mempool/tree.h"
#include "talloc_shim_null.h"

static inline char *talloc_strdup(const void *ctx, const char *s)
{
	return s ? mempool_tree_strdup(talloc_shim_above(ctx), s) : NULL;
}

static inline char *talloc_strndup(const void *ctx, const char *s, size_t n)
{
	return s ? mempool_tree_strndup(talloc_shim_above(ctx), s, n) : NULL;
}

static inline __attribute__((format(printf, 2, 0))) char *
talloc_vasprintf(const void *ctx, const char *format, va_list arguments)
{
	return mempool_tree_vprintf(talloc_shim_above(ctx), format, arguments);
}

static TALLOC_SHIM_PRINTF(2, 3) char *talloc_asprintf(const void *ctx,
						      const char *format, ...)
{
	va_list arguments;
	char *s;

	va_start(arguments, format);
	s = talloc_vasprintf(ctx, format, arguments);
	va_end(arguments);
	return s;
}

static inline size_t talloc_shim_length(const char *s, size_t most)
{
	const char *end;

	if (most == SIZE_MAX)
		return strlen(s);
	end = (const char *)memchr(s, '\0', most);
	return end ? (size_t)(end - s) : most;
}

/* `n` bytes of `more` behind the first `length` of `s`. */
static inline char *talloc_shim_append(char *s, size_t length, const char *more,
				       size_t n)
{
	if (talloc_shim_is_too_large(length) || talloc_shim_is_too_large(n))
		return NULL;
	s = (char *)mempool_tree_realloc(NULL, s, length + n + 1);
	if (!s)
		return NULL;
	memcpy(s + length, more, n);
	s[length + n] = '\0';
	mempool_tree_set_name_static(s, s);
	return s;
}

/* Behind the last byte but one, whatever is in front: a buffer's end. */
static inline size_t talloc_shim_buffer_end(const char *s)
{
	size_t size = mempool_tree_size(s);

	return size ? size - 1 : 0;
}

static inline char *talloc_strndup_append(char *s, const char *more, size_t n)
{
	if (!s || !more)
		return more ? talloc_strndup(NULL, more, n) : s;
	return talloc_shim_append(s, strlen(s), more,
				  talloc_shim_length(more, n));
}

static inline char *talloc_strndup_append_buffer(char *s, const char *more,
						 size_t n)
{
	if (!s || !more)
		return more ? talloc_strndup(NULL, more, n) : s;
	return talloc_shim_append(s, talloc_shim_buffer_end(s), more,
				  talloc_shim_length(more, n));
}

#define talloc_strdup_append(s, more)                                          \
	talloc_strndup_append((s), (more), SIZE_MAX)
#define talloc_strdup_append_buffer(s, more)                                   \
	talloc_strndup_append_buffer((s), (more), SIZE_MAX)

static inline __attribute__((format(printf, 3, 0))) char *
talloc_shim_vappend(char *s, size_t length, const char *format,
		    va_list arguments)
{
	char *more = mempool_tree_vprintf(NULL, format, arguments);

	if (!more)
		return NULL;
	s = talloc_shim_append(s, length, more, mempool_tree_size(more) - 1);
	mempool_tree_free(more);
	return s;
}

static inline __attribute__((format(printf, 2, 0))) char *
talloc_vasprintf_append(char *s, const char *format, va_list arguments)
{
	if (!s)
		return talloc_vasprintf(NULL, format, arguments);
	return talloc_shim_vappend(s, strlen(s), format, arguments);
}

static inline __attribute__((format(printf, 2, 0))) char *
talloc_vasprintf_append_buffer(char *s, const char *format, va_list arguments)
{
	if (!s)
		return talloc_vasprintf(NULL, format, arguments);
	return talloc_shim_vappend(s, talloc_shim_buffer_end(s), format,
				   arguments);
}

static TALLOC_SHIM_PRINTF(2, 3) char *talloc_asprintf_append(char *s,
							     const char *format,
							     ...)
{
	va_list arguments;

	va_start(arguments, format);
	s = talloc_vasprintf_append(s, format, arguments);
	va_end(arguments);
	return s;
}

static TALLOC_SHIM_PRINTF(2, 3) char *talloc_asprintf_append_buffer(
	char *s, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	s = talloc_vasprintf_append_buffer(s, format, arguments);
	va_end(arguments);
	return s;
}

/* Once a step has failed, *s is NULL and all later ones do nothing. */
static TALLOC_SHIM_PRINTF(2, 3) void talloc_asprintf_addbuf(char **s,
							    const char *format,
							    ...)
{
	char *whole = *s;
	va_list arguments;

	if (!whole)
		return;
	va_start(arguments, format);
	*s = talloc_vasprintf_append_buffer(whole, format, arguments);
	va_end(arguments);
	if (!*s)
		mempool_tree_free(whole);
}

#endif
