/* SPDX-License-Identifier: MIT */
/*
 * lsan.c - what programs tell LeakSanitizer, and so the leak check.
 *
 * They declare these weak, and call them if they are there.  Where a sanitizer
 * is, they are its own: the library it lies in may come behind us.
 */
#include "base/config.h"
#include "heap/heap.h"
#include "next_symbol.h"
#include "watch/dump.h"
#include "watch/record.h"

EXPORT void __lsan_disable(void);
EXPORT void __lsan_enable(void);
EXPORT void __lsan_ignore_object(const void *p);
EXPORT void __lsan_do_leak_check(void);

/* NULL: there is none, and the call is for us. */
static void *theirs(const char *name)
{
	return heap_vetoed() ? next_symbol(name) : NULL;
}

static void ignore_all(const char *name, bool on)
{
	void (*function)(void);

	*(void **)&function = theirs(name);
	if (function)
		function();
	else if (config.leaks)
		record_ignore(on);
}

EXPORT void __lsan_disable(void)
{
	ignore_all("__lsan_disable", true);
}

EXPORT void __lsan_enable(void)
{
	ignore_all("__lsan_enable", false);
}

EXPORT void __lsan_ignore_object(const void *p)
{
	void (*ignore)(const void *p);

	*(void **)&ignore = theirs("__lsan_ignore_object");
	if (ignore)
		ignore(p);
	else if (config.leaks)
		record_ignore_at(p);
}

/* The program is not ended: who started it sees what was found. */
EXPORT void __lsan_do_leak_check(void)
{
	void (*check)(void);

	*(void **)&check = theirs("__lsan_do_leak_check");
	if (check)
		check();
	else if (config.leaks)
		dump_checked();
}
