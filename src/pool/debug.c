/* SPDX-License-Identifier: MIT */
/*
 * debug.c - what MEMPOOL_DEBUG and MEMPOOL_FAIL ask for, and poison.
 *
 * The bytes of poison are read and written through volatile pointers, in code
 * that no sanitizer instruments: a free object is inaccessible to ASan, and
 * memset() is one of the functions that it watches.  memcheck is asked to
 * look away.
 */
#include "pool/debug.h"

#include <errno.h>
#include <execinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/inject.h"
#include "base/out.h"
#include "base/tool.h"

enum {
	POISON_FREE = 0x6b,
	POISON_END = 0xa5,
	BYTES_A_LINE = 16,
	LINES_BEFORE = 1, /* the line with the first mismatch */
	LINES_SHOWN = 4,
	FRAMES = 32,
	SHOWN_MOST = 80, /* bytes of a strange name or value */
};

static const struct {
	char word[8];
	unsigned flag;
} words[] = {
	{ "poison", DEBUG_POISON },
	{ "owner", DEBUG_OWNER },
	{ "leaks", DEBUG_LEAKS },
};

unsigned debug_flags;

/* --- MEMPOOL_DEBUG --- */

static unsigned flag_of(const char *word, size_t length)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i].word) == length &&
		    memcmp(words[i].word, word, length) == 0)
			return words[i].flag;
	return 0;
}

static void tell_bad(const char *variable, const char *value, const char *what)
{
	char text[OUT_LINE];
	struct out o;

	out_memory(&o, text, sizeof text);
	out_str(&o, "libmempool: ");
	out_str(&o, variable);
	out_quoted(&o, value, SHOWN_MOST);
	out_str(&o, what);
	out_line(&o, STDERR_FILENO);
}

void debug_start(void)
{
	const char *value = secure_getenv("MEMPOOL_DEBUG");
	bool told = false;
	void *frame;

	for (const char *word = value; word && *word;) {
		size_t length = strcspn(word, ",");
		unsigned flag = flag_of(word, length);

		debug_flags |= flag;
		if (!flag && !told) {
			tell_bad("MEMPOOL_DEBUG=", value,
				 " is not a list of poison, owner and leaks"
				 " with commas between them; what else it"
				 " says is ignored");
			told = true;
		}
		word += length;
		word += *word == ',';
	}
	/* The first call loads a library: not in the middle of a fault. */
	if (debug_flags & DEBUG_POISON)
		backtrace(&frame, 1);
}

/* --- MEMPOOL_FAIL --- */

void debug_start_faults(void)
{
	const char *rules = secure_getenv("MEMPOOL_FAIL");

	if (rules && !(*rules && inject_set(rules)))
		tell_bad("MEMPOOL_FAIL=", rules,
			 " is not [SOURCE:]WHEN[,...], WHEN being N, N+, N/M or"
			 " P%; it is ignored");
}

bool debug_watched(void)
{
	return tool_on || (debug_flags & (DEBUG_POISON | DEBUG_OWNER));
}

/* --- poison --- */

/* What byte `at` of a free object of `bytes` bytes holds. */
static unsigned char poison_at(size_t at, size_t bytes)
{
	return at == bytes - 1 ? POISON_END : POISON_FREE;
}

/* Two digits. */
static void put_byte(struct out *o, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	out_char(o, digits[byte >> 4]);
	out_char(o, digits[byte & 15]);
}

__attribute__((no_sanitize_address)) void debug_poison(void *object,
						       size_t bytes)
{
	volatile unsigned char *p = object;

	if (!(debug_flags & DEBUG_POISON))
		return;
	tool_look_away(true);
	for (size_t at = 0; at < bytes; at++)
		p[at] = poison_at(at, bytes);
	tool_look_away(false);
}

/* One line of the object, from `start` on; the byte at `bad` is marked. */
__attribute__((no_sanitize_address)) static void
put_line(const volatile unsigned char *p, size_t bytes, size_t start,
	 size_t bad)
{
	char text[OUT_LINE];
	struct out o;

	out_memory(&o, text, sizeof text);
	out_str(&o, "libmempool: +");
	out_u64(&o, start);
	out_str(&o, ":");
	for (size_t at = start; at < bytes && at < start + BYTES_A_LINE; at++) {
		out_char(&o, at == bad ? '>' : ' ');
		put_byte(&o, p[at]);
	}
	out_line(&o, STDERR_FILENO);
}

__attribute__((no_sanitize_address)) static _Noreturn COLD void
poison_fault(const volatile unsigned char *p, size_t bytes, size_t bad,
	     const char *pool)
{
	size_t line = bad / BYTES_A_LINE;
	size_t first = line - min_of(line, (size_t)LINES_BEFORE);
	void *frames[FRAMES];
	char text[OUT_LINE / 2];
	struct out o;

	out_memory(&o, text, sizeof text - 1);
	out_str(&o, "byte ");
	out_u64(&o, bad);
	out_str(&o, " of ");
	out_u64(&o, bytes);
	out_str(&o, " is ");
	put_byte(&o, p[bad]);
	out_str(&o, " in the place of ");
	put_byte(&o, poison_at(bad, bytes));
	text[o.used] = '\0';
	fault_tell("write after free", (const void *)p, pool, text);
	for (size_t i = first; i < first + LINES_SHOWN; i++)
		if (i * BYTES_A_LINE < bytes)
			put_line(p, bytes, i * BYTES_A_LINE, bad);
	backtrace_symbols_fd(frames, backtrace(frames, FRAMES), STDERR_FILENO);
	abort();
}

__attribute__((no_sanitize_address)) void
debug_check_poison(const void *object, size_t bytes, const char *pool)
{
	const volatile unsigned char *p = object;

	if (!(debug_flags & DEBUG_POISON))
		return;
	tool_look_away(true);
	for (size_t at = 0; at < bytes; at++)
		if (p[at] != poison_at(at, bytes))
			poison_fault(p, bytes, at, pool);
	tool_look_away(false);
}
