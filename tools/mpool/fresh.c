/* SPDX-License-Identifier: MIT */
/*
 * fresh.c - the profile of a program that runs, as it is now.
 */
#include "fresh.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "cli.h"
#include "lasting.h"
#include "proc.h"
#include "watch/lasting.h"
#include "watch/occasion.h"

static bool same_time(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool is_written(FILE *file)
{
	char tail[4] = { 0 };

	return fseek(file, -4, SEEK_END) == 0 && fread(tail, 1, 4, file) == 4 &&
	       !memcmp(tail, "end\n", 4);
}

/* What is left by a program that does not end by exit() is whole, too. */
static bool is_lasting(FILE *file)
{
	char head[sizeof LASTING_MAGIC];

	rewind(file);
	return lasting_is(head, fread(head, 1, sizeof head, file));
}

static bool is_whole(const char *path, bool lasting)
{
	FILE *file = cli_open_regular(path);
	bool whole =
		file && (is_written(file) || (lasting && is_lasting(file)));

	if (file)
		fclose(file);
	return whole;
}

bool fresh_is_whole(const char *path)
{
	return is_whole(path, true);
}

/* What can be done about it goes by whether there is a page to ask through. */
static const char *not_sampled(const struct page *page, const char *path)
{
	if (access(path, F_OK) < 0)
		return "it is not sampled; start it with 'mpool run --sample'";
	return cli_format("it is not sampled; 'mpool prof %llu --for 30s' does "
			  "so, or start it with 'mpool run --sample'",
			  (unsigned long long)page->pid);
}

const char *fresh_profile(const struct page *page, int patience_ms)
{
	struct stat before = { 0 }, now;
	char path[PATH_MAX];
	int asking = (int)page->signal;
	uint64_t thread;

	page_find(page->pid, path);
	if (!*page->profile)
		return not_sampled(page, path);
	if (!page_alive(page))
		return access(page->profile, R_OK) ? strerror(errno) : NULL;
	if (page->elsewhere)
		return "it is in a PID namespace that is out of sight here";
	if (!page->signal)
		return ask(path, PAGE_PROFILE, 0, patience_ms);
	/* Any other thread might wait for something: that would be over. */
	thread = proc_thread(page->pid, OCCASION_THREAD, asking);
	if (!thread)
		return "its thread " OCCASION_THREAD ", which would write the "
		       "profile, is not there, or the program uses that "
		       "thread's signal itself; start it with another "
		       "MPOOL_STATS_SIGNAL";
	stat(page->profile, &before);
	if (syscall(SYS_tgkill, (pid_t)page->pid, (pid_t)thread, asking) < 0)
		return strerror(errno);
	for (int ms = 0; ms < patience_ms; ms += 10) {
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
		if (stat(page->profile, &now) == 0 &&
		    !same_time(&before, &now) && is_whole(page->profile, false))
			return NULL;
	}
	return "it did not write its profile in time; is it stopped?";
}

const char *fresh_path(const char *what)
{
	static struct page page;
	const char *wrong;

	if (!*what || strspn(what, "0123456789") != strlen(what))
		return what;
	page_load(&page, what, NULL);
	wrong = fresh_profile(&page, 5000);
	if (wrong)
		cli_die("process %s: %s", what, wrong);
	return page.profile;
}
