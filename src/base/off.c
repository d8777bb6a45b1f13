/* SPDX-License-Identifier: MIT */
/*
 * off.c - MPOOL=off, MPOOL_OFF_FOR=NAME,... and /etc/libmpool.off.
 *
 * config.c comes too late for these: the first small request may be that of
 * another library's constructor.
 */
#include "base/off.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/out.h"

enum answer { UNKNOWN, ON, OFF };

bool off_accepts(const char *value)
{
	return !strcmp(value, "on") || !strcmp(value, "off");
}

static RARE void tell_unreadable(int error)
{
	char text[OUT_LINE];
	struct out o;

	out_memory(&o, text, sizeof(text));
	out_str(&o, "libmpool: " OFF_FILE " cannot be read (");
	out_str(&o, strerrordesc_np(error));
	out_str(&o, "): it counts, the pools are off");
	out_line(&o, STDERR_FILENO);
}

/* calls.c has an open() of its own, which lies where it is cold. */
static bool off_for_machine(void)
{
	int file = (int)syscall(SYS_openat, AT_FDCWD, OFF_FILE,
				O_RDONLY | O_CLOEXEC);

	if (likely(file < 0 && errno == ENOENT))
		return false;
	if (file < 0)
		tell_unreadable(errno);
	else
		close(file);
	return true;
}

/* Whether `name` is one of those in `list`, between commas. */
static RARE bool lists(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (; list; list = strchr(list, ',')) {
		list += *list == ',';
		if (!strncmp(list, name, length) &&
		    (!list[length] || list[length] == ','))
			return length > 0;
	}
	return false;
}

/* By the name of its file, or of argv[0], which is a script's interpreter. */
static RARE bool lists_program(const char *list)
{
	const char *file = (const char *)getauxval(AT_EXECFN);

	return lists(list, program_invocation_short_name) ||
	       (file && lists(list, basename(file)));
}

static bool off_for_program(void)
{
	const char *value, *list;

	if (unlikely(getauxval(AT_SECURE)))
		return false;
	value = getenv("MPOOL");
	list = getenv("MPOOL_OFF_FOR");
	return (unlikely(value) && !strcmp(value, "off")) ||
	       (unlikely(list) && lists_program(list));
}

bool off_asked(void)
{
	static enum answer known;
	enum answer answer = __atomic_load_n(&known, __ATOMIC_RELAXED);
	int saved = errno;

	if (answer == UNKNOWN) {
		answer = off_for_machine() || off_for_program() ? OFF : ON;
		__atomic_store_n(&known, answer, __ATOMIC_RELAXED);
		errno = saved;
	}
	return answer == OFF;
}
