/* SPDX-License-Identifier: MIT */
/*
 * top.c - mpool top: what a program's heap does, live.
 */
#include <getopt.h>
#include <locale.h>
#include <ncurses.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "tally.h"
#include "top.h"

const char help_top[] =
	"Usage: mpool top [OPTIONS] [PID|FILE]\n\n"
	"Shows a program that publishes a statistics page ('mpool run' does), "
	"again\n"
	"and again; without PID, the one that was started last.\n\n"
	"  --delay SECONDS    between two looks (1)\n"
	"  -h, --help         this text\n\n"
	"Keys:\n"
	"  c, s, t            classes; sites and threads, of a sampled "
	"program\n"
	"  b, r               sort by bytes, by rate\n"
	"  d                  differences from now on; again: absolute "
	"figures\n"
	"  q                  quit\n";

/* A line that ends at the window's right side. */
static void put(int y, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(int y, const char *format, ...)
{
	char text[1024], shown[4096];
	struct out o;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	out_memory(&o, shown, sizeof shown - 1);
	out_shown(&o, text, sizeof text);
	shown[o.used] = '\0';
	mvaddnstr(y, 0, shown, COLS);
}

static void put_totals(const struct top *t)
{
	static struct snapshot s, b;
	uint64_t all, before;
	uint64_t quiet_ms = page_quiet_ms(&t->page);
	double rate;

	page_snapshot(&t->page, &s);
	page_snapshot(&t->before, &b);
	all = page_allocations(&s);
	before = page_allocations(&b);
	rate = t->seconds > 0 ? (double)(all - before) / t->seconds : 0;
	attron(A_BOLD);
	put(0, "%.*s (%llu) %s", COLS / 2, t->page.program,
	    (unsigned long long)t->page.pid,
	    t->alive			  ? "running"
	    : t->page.state == PAGE_ENDED ? "has ended"
					  : "was killed");
	attroff(A_BOLD);
	put(1, "live %s in %s pool objects, committed %s, peak memory %s",
	    cli_bytes(s.total.live_bytes), cli_count(s.total.stats.live),
	    cli_bytes(s.total.stats.committed_bytes),
	    cli_bytes(t->page.peak_rss_bytes));
	put(2, "%s allocations/s, %s in all; up %.0f s%s%s",
	    cli_count((uint64_t)rate), cli_count(all),
	    (double)(t->page.age_ms + quiet_ms) / 1000,
	    quiet_ms >= PAGE_QUIET_MS ? ", quiet" : "",
	    t->marked ? "; differences since the mark" : "");
}

static void put_head(const struct top *t)
{
	attron(A_REVERSE);
	move(4, 0);
	hline(' ', COLS);
	if (t->view == CLASSES_VIEW)
		put(4, "%6s %11s %11s %11s %11s %11s %11s", "class",
		    "live bytes", "objects", "allocs/s", "peak", "stock",
		    "committed");
	else
		put(4, "%11s %11s %11s  %s", "live bytes", "objects",
		    t->view == SITES_VIEW ? "bytes/s" : "growth/s",
		    t->view == SITES_VIEW ? "caller;function" : "thread");
	attroff(A_REVERSE);
}

static void put_rows(const struct top *t)
{
	for (int i = 0; i < (int)t->count && i + 5 < LINES - 1; i++) {
		const struct row *r = &t->rows[i];
		const char *bytes = value_human(
			LIVE_BYTES, r->bytes - r->base_bytes, t->marked);
		const char *count = value_human(
			LIVE_COUNT, r->count - r->base_count, t->marked);

		if (t->view == CLASSES_VIEW)
			put(5 + i, "%6s %11s %11s %11s %11s %11s %11s", r->name,
			    bytes, count, cli_count((uint64_t)r->rate),
			    cli_bytes(r->peak), cli_count(r->stock),
			    cli_bytes(r->committed));
		else
			put(5 + i, "%11s %11s %11s  %s", bytes, count,
			    value_human(LIVE_BYTES, r->rate, false), r->name);
	}
	if (t->note)
		put(6, "  %s", t->note);
}

static void draw(const struct top *t)
{
	erase();
	put_totals(t);
	put_head(t);
	put_rows(t);
	put(LINES - 1, "%s",
	    "c classes  s sites  t threads  b by bytes  r by rate  "
	    "d differences  q quit");
	refresh();
}

static double elapsed(const struct top *t)
{
	return t->page.age_ms > t->before.age_ms
		       ? (double)(t->page.age_ms - t->before.age_ms) / 1000
		       : 0;
}

static void look(struct top *t)
{
	struct page now;

	if (access(t->path, F_OK) < 0)
		t->page.state = PAGE_ENDED; /* it took its page along */
	if (!page_read(&now, t->path)) {
		/* Two looks within one update would show a rate of 0. */
		if (now.updates != t->page.updates) {
			t->before = t->page;
			t->page = now;
			t->seconds = elapsed(t);
		} else if (page_quiet_ms(&now) >= PAGE_QUIET_MS) {
			t->before = now;
			t->seconds = 0;
		}
	}
	t->alive = page_alive(&t->page);
}

/* False: quit. */
static bool take_key(struct top *t, int key)
{
	switch (key) {
	case 'q':
		return false;
	case 'c':
		top_view(t, CLASSES_VIEW);
		break;
	case 's':
		top_view(t, SITES_VIEW);
		break;
	case 't':
		top_view(t, THREADS_VIEW);
		break;
	case 'b':
		t->by_rate = false;
		break;
	case 'r':
		t->by_rate = true;
		break;
	case 'd':
		top_mark(t);
		break;
	}
	return true;
}

static void show(struct top *t, double delay)
{
	const char *terminal = getenv("TERM");
	int key;

	setlocale(LC_CTYPE, ""); /* names are UTF-8, as a rule */
	if (!newterm(NULL, stdout, stdin))
		cli_die("TERM is '%s', which is no known terminal; use "
			"'mpool stat --watch %g %llu'",
			terminal ? terminal : "", delay,
			(unsigned long long)t->page.pid);
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	timeout((int)(delay * 1000));
	do {
		look(t);
		top_rows(t);
		draw(t);
		key = getch();
	} while (take_key(t, key));
	endwin();
}

enum { OPT_DELAY = 256 };

static const struct option options[] = {
	{ "delay", required_argument, NULL, OPT_DELAY },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int command_top(int argc, char **argv)
{
	static struct top t;
	double delay = 1;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			cli_help();
		case OPT_DELAY:
			delay = cli_seconds("--delay", optarg);
			break;
		default:
			cli_try_help();
		}
	}
	if (argc - optind > 1)
		cli_usage("'%s' is one too many", argv[optind + 1]);
	page_load(&t.page, optind < argc ? argv[optind] : page_newest(),
		  t.path);
	t.before = t.page;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		cli_die("this is no terminal; use 'mpool stat --watch %g %llu'",
			delay, (unsigned long long)t.page.pid);
	show(&t, delay);
	return CLI_OK;
}
