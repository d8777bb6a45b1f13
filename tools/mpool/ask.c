/* SPDX-License-Identifier: MIT */
/*
 * ask.c - has a program that runs do something, through its page.
 *
 * The request lies at the page's end, the one part that the program never
 * writes; its number comes last.  The program looks when it writes the page
 * anyway, so one that allocates nothing does not see it, unless it has a thread
 * of ours by now.
 *
 * Who asks holds a lock on that part of the file, so that others wait for him.
 * Where there are no such locks, who is overtaken is told so.
 */
#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "proc.h"
#include "remote.h"

static bool write_at(int fd, const void *from, size_t bytes, size_t where)
{
	return pwrite(fd, from, bytes,
		      (off_t)(offsetof(struct page, request) + where)) ==
	       (ssize_t)bytes;
}

/* Nobody else's, as a rule, and none that has been answered. */
static uint32_t new_number(const struct page *page)
{
	struct timespec now;
	uint32_t number;

	clock_gettime(CLOCK_MONOTONIC, &now);
	number = (uint32_t)now.tv_nsec ^ (uint32_t)getpid() << 12;
	while (!number || number == page->answer.number)
		number++;
	return number;
}

/* Who has changed his root has lost the folder that he was started in. */
static const char *no_profile(unsigned long long pid, const char *why)
{
	char *name = cli_format("/proc/%llu/root", pid), root[PATH_MAX];
	ssize_t length = readlink(name, root, sizeof root - 1);

	free(name);
	root[length > 0 ? length : 0] = '\0';
	if (length > 0 && strcmp(root, "/") != 0)
		return cli_format("it cannot write its profile: it has changed "
				  "its root to %s; start it with 'mpool run "
				  "--sample'",
				  cli_shown(root));
	return cli_format("it cannot write its profile: %s; start it with "
			  "MPOOL_PROFILE=FILE",
			  cli_shown(why));
}

/* NULL: it is done. */
static const char *words_of(struct page *page)
{
	struct page_answer *a = &page->answer;
	unsigned long long pid = page->pid;

	a->why[sizeof a->why - 1] = '\0';
	switch (a->outcome) {
	case PAGE_DONE:
		return NULL;
	case PAGE_IS_SAMPLED:
		return cli_format("it is sampled already, every %s; "
				  "'mpool prof %llu' shows it",
				  cli_bytes(page->sample_period), pid);
	case PAGE_IS_NOT:
		return cli_format("it is not sampled; 'mpool prof %llu "
				  "--start' begins",
				  pid);
	case PAGE_SEEKS_LEAKS:
		return "it looks for leaks, and records all till its end";
	case PAGE_IN_SANDBOX:
		return "it is in a sandbox, where no thread can be started "
		       "and no file be written";
	case PAGE_NO_THREAD:
		return cli_format("it can start no thread for that: %s",
				  cli_shown(a->why));
	case PAGE_NO_PROFILE:
		return no_profile(pid, a->why);
	default:
		return "it does not understand what is asked for";
	}
}

enum { NAP_MS = 10 };

static const char busy[] = "somebody else asks it for something; try again";

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = NAP_MS * 1000000 }, NULL);
}

/* Until the file is closed.  False: another one has it all the time. */
static bool take_turn(int fd, int patience_ms)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_start = offsetof(struct page, request),
		.l_len = sizeof(struct page_request),
	};

	for (; fcntl(fd, F_OFD_SETLK, &lock) < 0; patience_ms -= NAP_MS) {
		if (errno != EAGAIN && errno != EACCES)
			return true;
		if (patience_ms <= 0)
			return false;
		nap();
	}
	return true;
}

/* The answer, or that there is none. */
static const char *wait_for(const char *path, uint32_t number, int patience_ms,
			    bool *answered)
{
	struct page page;
	const char *wrong;

	for (int ms = 0; ms <= patience_ms; ms += NAP_MS) {
		if (access(path, F_OK) < 0)
			return "it has ended";
		wrong = page_read(&page, path);
		if (wrong)
			return wrong;
		*answered = page.answer.number == number;
		if (*answered)
			return words_of(&page);
		if (!page_alive(&page))
			return "it has ended";
		if (page.request.number != number)
			return busy;
		nap();
	}
	return "it does not answer: it is stopped, or allocates nothing, so "
	       "that there is nothing to see";
}

static const char *ask_at(int fd, const char *path, const struct page *page,
			  const struct page_request *r, int patience_ms)
{
	const char *wrong;
	bool answered = false;

	if (!write_at(fd, r, offsetof(struct page_request, number), 0) ||
	    !write_at(fd, &r->number, sizeof r->number,
		      offsetof(struct page_request, number)))
		return strerror(errno);
	wrong = wait_for(path, r->number, patience_ms, &answered);
	if (!wrong || answered || wrong == busy)
		return wrong;
	/* Withdrawn, unless it has been seen by now. */
	write_at(fd, &page->answer.number, sizeof r->number,
		 offsetof(struct page_request, number));
	return wrong;
}

static const char *ask_in_turn(int fd, const char *path, struct page_request *r,
			       int patience_ms)
{
	const char *wrong;
	struct page page;

	if (!take_turn(fd, patience_ms))
		return busy;
	/* As who went before has left it. */
	wrong = page_read(&page, path);
	if (wrong)
		return wrong;
	r->number = new_number(&page);
	return ask_at(fd, path, &page, r, patience_ms);
}

const char *ask(const char *path, enum page_want want, uint64_t period,
		int patience_ms)
{
	struct page page;
	struct page_request request = { .period = period, .want = want };
	const char *wrong = page_read(&page, path);
	int fd;

	if (wrong)
		return wrong;
	if (!page_alive(&page))
		return "it has ended";
	if (remote_pid(path))
		return "it publishes no page to ask it through; start it with "
		       "'mpool run'";
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return strerror(errno);
	wrong = ask_in_turn(fd, path, &request, patience_ms);
	close(fd);
	return wrong;
}
