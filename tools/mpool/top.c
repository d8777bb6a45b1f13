/*
 * top.c - mpool top: what a program's heap does, live.
 *
 * Classes come from the statistics page.  Sites and threads come from the
 * profile, which a sampled program writes anew when it gets its statistics
 * signal; the page says which signal and where.
 */
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "fresh.h"
#include "tally.h"

const char help_top[] =
	"Usage: mpool top [OPTIONS] [PID|FILE]\n\n"
	"Shows a program that publishes a statistics page ('mpool run' does), again\n"
	"and again; without PID, the one that was started last.\n\n"
	"  --delay SECONDS    between two looks (1)\n"
	"  -h, --help         this text\n\n"
	"Keys:\n"
	"  c, s, t            classes; sites and threads, of a sampled program\n"
	"  b, r               sort by bytes, by rate\n"
	"  d                  differences from now on; again: absolute figures\n"
	"  q                  quit\n";

enum view { CLASSES_VIEW, SITES_VIEW, THREADS_VIEW };

struct row {
	char name[PATH_MAX];
	double bytes, count; /* live */
	double rate;	     /* allocations a second, or bytes for sites */
	uint64_t peak, stock, committed;
	double base; /* bytes when the mark was set */
};

struct top {
	struct page page, before, mark;
	char path[PATH_MAX];
	double seconds; /* between page and before */
	bool marked, by_rate, alive;
	enum view view;
	struct row *rows;
	size_t count, room;
	struct row *marked_rows;
	size_t marked_count;
	const char *note; /* why there is nothing to see */
};

static struct row *add_row(struct top *t)
{
	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		t->rows = cli_grow(t->rows, t->room * sizeof *t->rows);
	}
	t->rows[t->count] = (struct row){ 0 };
	return &t->rows[t->count++];
}

/* --- rows --- */

static void class_rows(struct top *t)
{
	for (int i = 0; i < CLASSES; i++) {
		const struct class_stats *s = &t->page.class[i];
		const struct class_stats *b = &t->before.class[i];
		struct row *row = add_row(t);

		snprintf(row->name, sizeof row->name, "%llu",
			 (unsigned long long)s->size);
		row->count = (double)s->live;
		row->bytes = (double)(s->live * s->size);
		row->rate = t->seconds > 0
				    ? (double)(s->allocs - b->allocs) /
					      t->seconds
				    : 0;
		row->peak = s->peak * s->size;
		row->stock = s->stock;
		row->committed = s->committed_bytes;
	}
}

static bool read_profile(struct top *t, struct profile *p)
{
	t->note = fresh_profile(&t->page);
	if (!t->note)
		profile_load(p, t->page.profile);
	return !t->note;
}

/* The innermost function that is not the C library's allocation itself. */
static void site_rows(struct top *t, const struct profile *p)
{
	struct symbols *symbols = symbols_open(p);
	struct tally tally = { 0 };

	tally_add(&tally, p, symbols, 1);
	for (size_t i = 0; i < tally.count; i++) {
		struct row *row = add_row(t);
		const char *key = tally.ways[i].key, *last = strrchr(key, ';');
		const char *caller = last;

		while (caller && caller > key && *--caller != ';')
			;
		snprintf(row->name, sizeof row->name, "%s",
			 caller && *caller == ';' ? caller + 1 : key);
		row->bytes = tally.ways[i].value[LIVE_BYTES];
		row->count = tally.ways[i].value[LIVE_COUNT];
		row->rate = t->page.age_ms
				    ? tally.ways[i].value[TOTAL_BYTES] * 1000 /
					      (double)t->page.age_ms
				    : 0;
	}
	tally_free(&tally);
	symbols_close(symbols);
}

static void thread_rows(struct top *t, const struct profile *p)
{
	for (size_t i = 0; i < p->object_count; i++) {
		const struct object *o = &p->objects[i];
		struct row *row = NULL;
		char name[32];

		snprintf(name, sizeof name, "%llu",
			 (unsigned long long)o->thread);
		for (size_t j = 0; j < t->count && !row; j++)
			if (!strcmp(t->rows[j].name, name))
				row = &t->rows[j];
		if (!row) {
			row = add_row(t);
			strcpy(row->name, name);
		}
		row->bytes += o->weight * (double)o->size;
		row->count += o->weight;
	}
	for (size_t j = 0; j < t->count; j++)
		t->rows[j].rate = t->page.age_ms ? t->rows[j].bytes * 1000 /
							   (double)t->page.age_ms
						 : 0;
}

static bool sort_by_rate;

static int by_weight(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	double p = sort_by_rate ? x->rate : fabs(x->bytes - x->base);
	double q = sort_by_rate ? y->rate : fabs(y->bytes - y->base);

	if (p != q)
		return p < q ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void make_rows(struct top *t)
{
	struct profile p;

	t->count = 0;
	t->note = NULL;
	if (t->view == CLASSES_VIEW) {
		class_rows(t);
	} else if (read_profile(t, &p)) {
		if (t->view == SITES_VIEW)
			site_rows(t, &p);
		else
			thread_rows(t, &p);
		profile_free(&p);
	}
	for (size_t i = 0; t->marked && i < t->count; i++)
		for (size_t j = 0; j < t->marked_count; j++)
			if (!strcmp(t->rows[i].name, t->marked_rows[j].name))
				t->rows[i].base = t->marked_rows[j].bytes;
	sort_by_rate = t->by_rate;
	qsort(t->rows, t->count, sizeof *t->rows, by_weight);
}

static void set_mark(struct top *t)
{
	t->marked = !t->marked;
	free(t->marked_rows);
	t->marked_rows = NULL;
	t->marked_count = 0;
	if (!t->marked)
		return;
	t->mark = t->page;
	t->marked_rows = cli_alloc((t->count + 1) * sizeof *t->rows);
	memcpy(t->marked_rows, t->rows, t->count * sizeof *t->rows);
	t->marked_count = t->count;
}

/* --- the screen --- */

static void put_totals(const struct top *t)
{
	static struct snapshot s, b;
	double rate;

	page_snapshot(&t->page, &s);
	page_snapshot(&t->before, &b);
	rate = t->seconds > 0 ? (double)(s.total.stats.allocs -
					 b.total.stats.allocs) /
					t->seconds
			      : 0;
	attron(A_BOLD);
	mvprintw(0, 0, "%.*s (%llu) %s", COLS / 2, t->page.program,
		 (unsigned long long)t->page.pid,
		 t->alive	       ? "running"
		 : t->page.state == PAGE_ENDED ? "has ended"
					       : "was killed");
	attroff(A_BOLD);
	mvprintw(1, 0, "live %s in %s objects, committed %s, peak memory %s",
		 cli_bytes(s.total.live_bytes),
		 cli_count(s.total.stats.live),
		 cli_bytes(s.total.stats.committed_bytes),
		 cli_bytes(t->page.peak_rss_bytes));
	mvprintw(2, 0, "%s allocations/s, %s in all; up %.0f s%s",
		 cli_count((uint64_t)rate), cli_count(s.total.stats.allocs),
		 (double)t->page.age_ms / 1000,
		 t->marked ? "; differences since the mark" : "");
}

static void put_head(const struct top *t)
{
	attron(A_REVERSE);
	move(4, 0);
	hline(' ', COLS);
	if (t->view == CLASSES_VIEW)
		mvprintw(4, 0, "%6s %11s %11s %11s %11s %11s %11s", "class",
			 "live bytes", "objects", "allocs/s", "peak",
			 "stock", "committed");
	else
		mvprintw(4, 0, "%11s %11s %11s  %s", "live bytes", "objects",
			 "bytes/s",
			 t->view == SITES_VIEW ? "caller;function" : "thread");
	attroff(A_REVERSE);
}

static void put_rows(const struct top *t)
{
	for (int i = 0; i < (int)t->count && i + 5 < LINES - 1; i++) {
		const struct row *r = &t->rows[i];
		const char *bytes = value_human(LIVE_BYTES, r->bytes - r->base,
						t->marked);

		if (t->view == CLASSES_VIEW)
			mvprintw(5 + i, 0,
				 "%6s %11s %11s %11s %11s %11s %11s", r->name,
				 bytes, cli_count((uint64_t)r->count),
				 cli_count((uint64_t)r->rate),
				 cli_bytes(r->peak), cli_count(r->stock),
				 cli_bytes(r->committed));
		else
			mvprintw(5 + i, 0, "%11s %11s %11s  %.*s", bytes,
				 cli_count((uint64_t)r->count),
				 cli_bytes((uint64_t)r->rate),
				 COLS > 38 ? COLS - 38 : 0, r->name);
	}
	if (t->note)
		mvprintw(6, 2, "%s", t->note);
}

static void draw(const struct top *t)
{
	erase();
	put_totals(t);
	put_head(t);
	put_rows(t);
	mvprintw(LINES - 1, 0, "%.*s", COLS - 1,
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
		t->view = CLASSES_VIEW;
		break;
	case 's':
		t->view = SITES_VIEW;
		break;
	case 't':
		t->view = THREADS_VIEW;
		break;
	case 'b':
		t->by_rate = false;
		break;
	case 'r':
		t->by_rate = true;
		break;
	case 'd':
		set_mark(t);
		break;
	default:
		return true;
	}
	if (key != 'b' && key != 'r' && key != 'd' && t->marked)
		set_mark(t); /* rows of another view are not comparable */
	return true;
}

static void show(struct top *t, double delay)
{
	int key;

	initscr();
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	timeout((int)(delay * 1000));
	do {
		look(t);
		make_rows(t);
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
			cli_usage("what was asked for is not known");
		}
	}
	if (argc - optind > 1)
		cli_usage("'%s' is one too many", argv[optind + 1]);
	page_load(&t.page, optind < argc ? argv[optind] : page_newest(), t.path);
	t.before = t.page;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		cli_die("this is no terminal; use 'mpool stat --watch %g'",
			delay);
	show(&t, delay);
	return CLI_OK;
}
