/* SPDX-License-Identifier: MIT */
/*
 * prof_live.c - sampling, switched on and off in a program that runs.
 */
#include "prof_live.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "cli.h"
#include "fresh.h"

enum { PERIOD = 512 << 10 };

static struct page page;
static char path[PATH_MAX]; /* of the page */

void prof_live_start(struct prof_live *live, const char *bytes)
{
	live->start = true;
	if (!bytes)
		return;
	live->period = cli_size("--start", bytes);
	if (!live->period)
		cli_usage("--start: 0 bytes is no distance");
}

/* "30s", "5m", "1h"; seconds, when it has no unit. */
void prof_live_for(struct prof_live *live, const char *time)
{
	size_t length = strlen(time);
	double unit = 1;
	char *number;

	if (length && strchr("smh", time[length - 1])) {
		unit = time[length - 1] == 'h'	 ? 3600
		       : time[length - 1] == 'm' ? 60
						 : 1;
		length--;
	}
	number = cli_format("%.*s", (int)length, time);
	live->seconds = cli_seconds("--for", number) * unit;
	free(number);
}

static void do_ask(enum page_want want, uint64_t period)
{
	const char *wrong = ask(path, want, period, ASK_PATIENCE_MS);

	if (wrong)
		cli_die("process %llu: %s", (unsigned long long)page.pid,
			wrong);
}

/* The page says where the profile goes. */
static void start(const struct prof_live *live)
{
	do_ask(PAGE_SAMPLE, live->period ? live->period : PERIOD);
	page_read(&page, path);
}

static const char *how_often(const struct prof_live *live)
{
	if (live->period == 1)
		return "each allocation";
	return cli_format("a sample every %s",
			  cli_bytes(live->period ? live->period : PERIOD));
}

/* --- for a while --- */

static volatile sig_atomic_t enough;

static void on_interrupt(int signal_number)
{
	(void)signal_number;
	enough = 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void say_progress(double passed, double seconds)
{
	static int last = -1;

	if (!isatty(STDERR_FILENO) || (int)passed == last)
		return;
	last = (int)passed;
	fprintf(stderr, "\r%d of %.0f s ", last, seconds);
}

/* False: the program has ended.  Control-C ends the wait, and no more. */
static bool wait_for(double seconds)
{
	struct sigaction action = { .sa_handler = on_interrupt }, before;
	double began = now(), passed;

	sigaction(SIGINT, &action, &before);
	while ((passed = now() - began) < seconds && !enough &&
	       page_alive(&page)) {
		double left = seconds - passed;

		say_progress(passed, seconds);
		if (left > 0.1)
			left = 0.1;
		nanosleep(&(struct timespec){ .tv_nsec = (long)(left * 1e9) },
			  NULL);
	}
	sigaction(SIGINT, &before, NULL);
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	return page_alive(&page);
}

/* A program that ends meanwhile writes its profile by itself. */
static const char *sample_for(const struct prof_live *live)
{
	unsigned long long pid = page.pid;

	start(live);
	cli_warn("process %llu: %s, for %g s", pid, how_often(live),
		 live->seconds);
	if (wait_for(live->seconds)) {
		const char *wrong =
			ask(path, PAGE_NO_SAMPLES, 0, ASK_PATIENCE_MS);

		if (!wrong)
			return page.profile;
		if (page_alive(&page))
			cli_die("process %llu: %s", pid, wrong);
	}
	if (!fresh_is_whole(page.profile))
		cli_die("process %llu has ended and left no profile", pid);
	cli_warn("process %llu has ended; this is what was sampled until then",
		 pid);
	return page.profile;
}

const char *prof_live(const struct prof_live *live, const char *what)
{
	unsigned long long pid;

	if (!*what || strspn(what, "0123456789") != strlen(what))
		cli_usage("'%s' is no process id: sampling is switched in a "
			  "program that runs",
			  what);
	page_load(&page, what, path);
	pid = page.pid;
	if (page.elsewhere)
		cli_die("process %s: it is in a PID namespace that is out of "
			"sight here",
			what);
	if (live->seconds > 0)
		return sample_for(live);
	if (live->start) {
		start(live);
		printf("process %llu: %s; 'mpool prof %llu' shows them, "
		       "'mpool prof %llu --stop' ends it\n",
		       pid, how_often(live), pid, pid);
	} else {
		do_ask(PAGE_NO_SAMPLES, 0);
		page_read(&page, path);
		printf("process %llu: no more samples; they are in %s\n", pid,
		       cli_shown(page.profile));
	}
	cli_finish(stdout, NULL);
	return NULL;
}
