/* SPDX-License-Identifier: MIT */
/*
 * ask.c - has a program that runs do something, through its page.
 *
 * The request lies at the page's end, the one part that the program never
 * writes; its number comes last.  The program looks when it writes the page
 * anyway, so one that allocates nothing does not see it, unless it has a thread
 * of ours by now.
 */
#include "ask.h"

#include <errno.h>
#include <fcntl.h>
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
		return cli_format("it cannot write its profile: %s; start it "
				  "with MPOOL_PROFILE=FILE",
				  cli_shown(a->why));
	default:
		return "it does not understand what is asked for";
	}
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
}

/* The answer, or that there is none. */
static const char *wait_for(const char *path, uint32_t number, int patience_ms,
			    bool *answered)
{
	struct page page;
	const char *wrong;

	for (int ms = 0; ms <= patience_ms; ms += 10) {
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
			return "somebody else asks it for something; "
			       "try again";
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
	if (!wrong || answered)
		return wrong;
	/* Withdrawn, unless it has been seen by now. */
	write_at(fd, &page->answer.number, sizeof r->number,
		 offsetof(struct page_request, number));
	return wrong;
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
	request.number = new_number(&page);
	wrong = ask_at(fd, path, &page, &request, patience_ms);
	close(fd);
	return wrong;
}
