/* SPDX-License-Identifier: MIT */
/*
 * demangle.c - C++ and Rust names as they stand in the source.
 *
 * By libiberty, the demanglers of gdb and binutils.  A name can be made that
 * stands for gigabytes: what is longer than MOST stays as it is.
 */
#include "demangle.h"

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { MOST = 64 << 10 };

struct text {
	char *bytes;
	size_t length;
	jmp_buf too_long;
};

/* They hold nothing that must be given back. */
static void add(const char *bytes, size_t length, void *opaque)
{
	struct text *text = opaque;

	if (length >= MOST - text->length)
		longjmp(text->too_long, 1);
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
}

static bool try_all(struct text *text, const char *symbol)
{
	enum { HOW = DMGL_PARAMS | DMGL_ANSI };

	if (setjmp(text->too_long))
		return false;
	if (rust_demangle_callback(symbol, HOW, add, text))
		return true;
	text->length = 0;
	return cplus_demangle_v3_callback(symbol, HOW, add, text);
}

/* Without what tells versions of a symbol apart, or LLVM's copies. */
static char *plain(const char *symbol)
{
	const char *llvm = strstr(symbol, ".llvm.");
	size_t length = strcspn(symbol, "@");

	if (llvm && (size_t)(llvm - symbol) < length)
		length = (size_t)(llvm - symbol);
	return cli_format("%.*s", (int)(length < MOST ? length : MOST), symbol);
}

char *demangle(const char *symbol)
{
	static char bytes[MOST];
	static struct text text = { .bytes = bytes };
	char *name = plain(symbol);

	if (strncmp(name, "_Z", 2) != 0 && strncmp(name, "_R", 2) != 0)
		return name;
	text.length = 0;
	if (try_all(&text, name) && text.length) {
		free(name);
		name = cli_format("%.*s", (int)text.length, bytes);
	}
	return name;
}
