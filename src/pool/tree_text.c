/* SPDX-License-Identifier: MIT */
/*
 * tree_text.c - strings as nodes, and names.
 */
#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "pool/tree_family.h"
#include "pool/tree_node.h"

/* Text up to this length is made once, longer text twice. */
enum { SHORT_TEXT = 256 };

/* --- copies --- */

void *mempool_tree_memdup(const void *parent, const void *p, size_t size)
{
	void *to;

	if (!p)
		return refused(EINVAL);
	to = mempool_tree_alloc(parent, size);
	return to ? memcpy(to, p, size) : NULL;
}

/* Room for a string that is its own name. */
static char *room(const void *parent, size_t length)
{
	char *s = mempool_tree_alloc(parent, length + 1);

	if (!s)
		return NULL;
	s[length] = '\0';
	mempool_tree_set_name_static(s, s);
	return s;
}

char *mempool_tree_strndup(const void *parent, const char *s, size_t most)
{
	size_t length;
	char *to;

	if (!s)
		return refused(EINVAL);
	length = strnlen(s, most);
	to = room(parent, length);
	return to ? memcpy(to, s, length) : NULL;
}

char *mempool_tree_strdup(const void *parent, const char *s)
{
	return mempool_tree_strndup(parent, s, SIZE_MAX);
}

/* --- printf --- */

/*
 * Appends to the string of `length` bytes at `s`, or NULL: makes one below
 * `parent`.
 */
static char *format_at(const void *parent, char *s, size_t length,
		       const char *format, va_list arguments)
{
	char text[SHORT_TEXT];
	va_list again;
	int more;

	va_copy(again, arguments);
	more = vsnprintf(text, sizeof(text), format, arguments);
	if (more < 0)
		s = refused(EINVAL);
	else if (s)
		s = mempool_tree_realloc(NULL, s, length + (size_t)more + 1);
	else
		s = room(parent, (size_t)more);
	if (s && more < SHORT_TEXT)
		memcpy(s + length, text, (size_t)more + 1);
	else if (s)
		vsnprintf(s + length, (size_t)more + 1, format, again);
	va_end(again);
	return s;
}

char *mempool_tree_vprintf(const void *parent, const char *format,
			   va_list arguments)
{
	if (!format)
		return refused(EINVAL);
	return format_at(parent, NULL, 0, format, arguments);
}

char *mempool_tree_printf(const void *parent, const char *format, ...)
{
	va_list arguments;
	char *s;

	va_start(arguments, format);
	s = mempool_tree_vprintf(parent, format, arguments);
	va_end(arguments);
	return s;
}

char *mempool_tree_vappend(char *s, const char *format, va_list arguments)
{
	if (!format)
		return refused(EINVAL);
	if (!s)
		return mempool_tree_vprintf(NULL, format, arguments);
	s = format_at(NULL, s, strnlen(s, mempool_tree_size(s)), format,
		      arguments);
	if (s)
		mempool_tree_set_name_static(s, s);
	return s;
}

char *mempool_tree_append(char *s, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	s = mempool_tree_vappend(s, format, arguments);
	va_end(arguments);
	return s;
}

/* --- names --- */

int mempool_tree_set_name_static(const void *node, const char *name)
{
	struct tree *t;
	node_t *n = family_node(node, &t);

	if (!n)
		return failed(-EINVAL);
	node_set_name(n, name);
	family_leave(t);
	return 0;
}

int mempool_tree_set_vname(const void *node, const char *format,
			   va_list arguments)
{
	char *name;

	if (!node || !format)
		return failed(-EINVAL);
	name = mempool_tree_vprintf(node, format, arguments);
	if (!name)
		return failed(-errno);
	mempool_tree_set_name_static(name, node_name_of_name);
	return mempool_tree_set_name_static(node, name);
}

int mempool_tree_set_name(const void *node, const char *format, ...)
{
	va_list arguments;
	int result;

	va_start(arguments, format);
	result = mempool_tree_set_vname(node, format, arguments);
	va_end(arguments);
	return result;
}

const char *mempool_tree_name(const void *node)
{
	struct tree *t;
	node_t *n = family_node(node, &t);
	const char *name = n ? node_name(n) : NULL;

	family_leave(t);
	return name;
}
