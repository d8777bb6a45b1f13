/* SPDX-License-Identifier: MIT */
/*
 * tell.c - one line on stderr about a file that is not written.
 *
 * stderr is what descriptor 2 stood for at start.  Programs close it before
 * they exit, or get its number for something else: so a duplicate is kept,
 * and both are compared with the original before each use.  Not in children:
 * a daemon must not hold the pipe of whoever waits for its parent.
 */
#include "watch/tell.h"

#include <errno.h>
#include <unistd.h>

#include "base/out.h"
#include "watch/file.h"
#include "watch/process.h"

enum { SHOWN_MOST = 400 }; /* bytes of a file name */

static struct file original = FILE_NONE;  /* descriptor 2 itself */
static struct file duplicate = FILE_NONE; /* in the first process */

void tell_start(void)
{
	file_note(&original, STDERR_FILENO);
	if (original.fd >= 0)
		file_copy(&duplicate, STDERR_FILENO);
}

void tell_fork_child(void)
{
	file_close(&duplicate);
}

int tell_descriptor(void)
{
	if (process_confined())
		return max_of(duplicate.fd, original.fd);
	if (file_valid(&duplicate))
		return duplicate.fd;
	return file_valid(&original) ? original.fd : -1;
}

void tell(const char *what, const char *name, const char *why)
{
	int saved = errno, fd = tell_descriptor();
	char text[OUT_LINE];
	struct out o;

	if (fd >= 0 && !process_muted()) {
		out_memory(&o, text, sizeof text);
		o.bare = process_confined();
		out_str(&o, "libmpool: no ");
		out_str(&o, what);
		if (name) {
			out_str(&o, " in ");
			out_quoted(&o, name, SHOWN_MOST);
		}
		out_str(&o, ": ");
		out_str(&o, why);
		out_line(&o, fd);
	}
	errno = saved;
}
