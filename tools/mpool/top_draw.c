/* SPDX-License-Identifier: MIT */
/*
 * top_draw.c - the screen of mpool top: totals, rows, and a line of keys.
 */
#include <ncurses.h>
#include <stdarg.h>
#include <string.h>

#include "cli.h"
#include "tally.h"
#include "top.h"
#include "watch/text.h"

enum { HEAD = 4 }; /* line of the columns' names; rows follow */

/* Lines over the last one; a small window has none to spare. */
static int charts(void)
{
	return LINES < 20 ? 0 : CHARTS;
}

size_t top_height(void)
{
	return LINES > HEAD + 3 ? (size_t)(LINES - HEAD - 2 - charts()) : 1;
}

static attr_t colour(enum top_colour pair)
{
	return COLORS > 0 ? (attr_t)COLOR_PAIR(pair) : 0;
}

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

/* What went past the pools is known by requests: frees have no size. */
static void put_memory(const struct top *t, const struct snapshot *s)
{
	put(3, "resident %s, peak memory %s; forwarded %s in %s requests",
	    t->resident_bytes ? cli_bytes(t->resident_bytes) : "-",
	    cli_bytes(max_of(t->page.peak_rss_bytes, t->resident_bytes)),
	    s->forwarded_counted ? cli_bytes(forwarded_bytes(s->forwarded))
				 : "-",
	    s->forwarded_counted
		    ? cli_count(forwarded_all_requests(s->forwarded))
		    : "-");
}

static void put_totals(const struct top *t)
{
	static struct snapshot s, b;
	uint64_t all, before;
	uint64_t quiet_ms = page_quiet_ms(&t->page);
	double rate;
	attr_t mark;

	page_snapshot(&t->page, &s);
	page_snapshot(&t->before, &b);
	all = page_allocations(&s);
	before = page_allocations(&b);
	rate = t->seconds > 0 ? (double)(all - before) / t->seconds : 0;
	mark = A_BOLD | colour(t->alive ? GOOD_COLOUR : BAD_COLOUR);
	attron(mark);
	put(0, "%.*s (%llu) %s", COLS / 2, t->page.program,
	    (unsigned long long)t->page.pid,
	    t->alive			  ? "running"
	    : t->page.state == PAGE_ENDED ? "has ended"
					  : "was killed");
	attroff(mark);
	put(1, "live %s in %s pool objects, committed %s",
	    cli_bytes(s.total.live_bytes), cli_count(s.total.stats.live),
	    cli_bytes(s.total.stats.committed_bytes));
	put(2, "%s allocations/s, %s in all; up %.0f s%s%s",
	    cli_count((uint64_t)rate), cli_count(all),
	    (double)(t->page.age_ms + quiet_ms) / 1000,
	    quiet_ms >= PAGE_QUIET_MS ? ", quiet" : "",
	    t->marked ? "; differences since the mark" : "");
	put_memory(t, &s);
}

static void put_head(const struct top *t)
{
	attron(A_REVERSE | colour(HEAD_COLOUR));
	move(HEAD, 0);
	hline(' ', COLS);
	if (t->view == PROGRAMS_VIEW)
		put(HEAD, "%9s %11s %11s %11s %9s  %s", "pid", "live bytes",
		    "committed", "resident", "seconds", "program");
	else if (t->view == CLASSES_VIEW)
		put(HEAD, "%6s %11s %11s %11s %11s %11s %11s", "class",
		    "live bytes", "objects", "allocs/s", "peak", "stock",
		    "committed");
	else
		put(HEAD, "%11s %11s %11s  %s", "live bytes", "objects",
		    t->view == SITES_VIEW ? "bytes/s" : "growth/s",
		    t->view == SITES_VIEW ? "caller;function  file:line"
					  : "thread");
	attroff(A_REVERSE | colour(HEAD_COLOUR));
}

static void put_program(int y, const struct row *r, bool chosen)
{
	if (chosen)
		attron(A_BOLD);
	put(y, "%c%8llu %11s %11s %11s %9llu  %s", chosen ? '>' : ' ',
	    (unsigned long long)r->pid, cli_bytes((uint64_t)r->bytes),
	    cli_bytes(r->committed), r->resident ? cli_bytes(r->resident) : "-",
	    (unsigned long long)r->age_ms / 1000, r->program);
	if (chosen)
		attroff(A_BOLD);
}

static void put_rows(const struct top *t)
{
	size_t rows = top_height(), left = t->count - t->first;

	for (int i = 0; i < (int)(left < rows ? left : rows); i++) {
		const struct row *r = &t->rows[t->first + (size_t)i];
		const char *bytes = value_human(
			LIVE_BYTES, r->bytes - r->base_bytes, t->marked);
		const char *count = value_human(
			LIVE_COUNT, r->count - r->base_count, t->marked);

		if (t->view == PROGRAMS_VIEW)
			put_program(HEAD + 1 + i, r,
				    t->first + (size_t)i == t->chosen);
		else if (t->view == CLASSES_VIEW)
			put(HEAD + 1 + i, "%6s %11s %11s %11s %11s %11s %11s",
			    r->name, bytes, count, cli_count((uint64_t)r->rate),
			    cli_bytes(r->peak),
			    *r->program ? r->program : cli_count(r->stock),
			    cli_bytes(r->committed));
		else
			put(HEAD + 1 + i, "%11s %11s %11s  %s", bytes, count,
			    value_human(LIVE_BYTES, r->rate, false), r->name);
	}
	if (t->note)
		put(HEAD + 2, "  %s", t->note);
}

static void put_help(void)
{
	const char *line = TOP_KEYS;

	for (int y = HEAD + 1; *line; y++) {
		int length = (int)strcspn(line, "\n");

		if (y < LINES - 1 - charts())
			put(y, "%.*s", length, line);
		line += length + 1;
	}
}

static void put_foot(const struct top *t)
{
	size_t last = t->first + top_height();

	if (t->said) {
		put(LINES - 1, "%s", t->said);
		return;
	}
	put(LINES - 1,
	    "h help  l list  c classes  s sites  t threads  q quit"
	    "  %zu-%zu of %zu",
	    t->first + (t->count > 0), last < t->count ? last : t->count,
	    t->count);
}

void top_draw(struct top *t)
{
	size_t rows = top_height();

	if (t->view == PROGRAMS_VIEW && t->first > t->chosen)
		t->first = t->chosen;
	else if (t->view == PROGRAMS_VIEW && t->first + rows <= t->chosen)
		t->first = t->chosen - rows + 1;
	if (t->first + rows > t->count)
		t->first = t->count > rows ? t->count - rows : 0;
	erase();
	put_totals(t);
	put_head(t);
	if (t->help)
		put_help();
	else
		put_rows(t);
	for (int i = 0; i < charts(); i++)
		top_put_chart(t, LINES - 1 - charts() + i, (enum top_chart)i);
	put_foot(t);
	refresh();
}
