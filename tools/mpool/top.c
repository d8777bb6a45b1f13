/* SPDX-License-Identifier: MIT */
/*
 * top.c - mpool top: what a program's heap does, live.
 */
#include <getopt.h>
#include <locale.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "cli.h"
#include "commands.h"
#include "top.h"

const char help_top[] =
	"Usage: mpool top [OPTIONS] [PID|FILE]\n\n"
	"Shows a program that publishes a statistics page ('mpool run' does), "
	"again\n"
	"and again; without PID, the one that runs, or a list to choose "
	"from.\n\n"
	"  --delay SECONDS    between two looks (1)\n"
	"  -h, --help         this text\n\n"
	"Keys:\n" TOP_KEYS;

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
	t->resident_bytes = top_resident(&t->page);
}

static bool in_list(const struct top *t)
{
	return t->view == PROGRAMS_VIEW;
}

/* False: it is no key that scrolls. */
static bool scroll_by(struct top *t, int key)
{
	size_t page = top_height(), *at = in_list(t) ? &t->chosen : &t->first;

	switch (key) {
	case KEY_UP:
		*at -= *at > 0;
		break;
	case KEY_DOWN:
		++*at;
		break;
	case KEY_PPAGE:
		*at -= *at < page ? *at : page;
		break;
	case KEY_NPAGE:
		*at += page;
		break;
	case KEY_HOME:
		*at = 0;
		break;
	case KEY_END:
		*at = t->count;
		break;
	default:
		return false;
	}
	if (in_list(t) && t->count) {
		if (t->chosen >= t->count)
			t->chosen = t->count - 1;
		strcpy(t->chosen_path, t->rows[t->chosen].name);
	}
	return true;
}

/* The program that is marked in the list, if it is still there. */
static void choose(struct top *t)
{
	struct page page;

	if (!in_list(t) || !t->count ||
	    page_read(&page, t->rows[t->chosen].name))
		return;
	strcpy(t->path, t->rows[t->chosen].name);
	t->page = t->before = page;
	t->seconds = 0;
	top_view(t, CLASSES_VIEW);
}

/* Has sampling begun or ended. */
static void switch_sampling(struct top *t)
{
	enum { PERIOD = 512 << 10, PATIENCE_MS = 2000 };
	bool on = t->page.sample_period;
	const char *wrong = ask(t->path, on ? PAGE_NO_SAMPLES : PAGE_SAMPLE,
				PERIOD, PATIENCE_MS);

	t->said = wrong ? wrong
		  : on	? "it is sampled no more"
			: "it is sampled, every 512 KiB";
}

static void sort(struct top *t, enum sort sort)
{
	t->sort = sort;
	t->first = 0;
}

/* False: quit. */
static bool take_key(struct top *t, int key)
{
	if (key != ERR && key != KEY_RESIZE)
		t->said = NULL;
	if (t->help && key != ERR && key != KEY_RESIZE) {
		t->help = false;
		return true;
	}
	if (scroll_by(t, key))
		return true;
	switch (key) {
	case 'q':
		return false;
	case 'h':
	case '?':
		t->help = true;
		break;
	case 'c':
		top_view(t, CLASSES_VIEW);
		break;
	case 's':
		top_view(t, SITES_VIEW);
		break;
	case 't':
		top_view(t, THREADS_VIEW);
		break;
	case 'p':
		if (!in_list(t))
			switch_sampling(t);
		break;
	case 'l':
		top_view(t, PROGRAMS_VIEW);
		break;
	case '\n':
	case KEY_ENTER:
		choose(t);
		break;
	case 'b':
		sort(t, BY_BYTES);
		break;
	case 'o':
		sort(t, BY_OBJECTS);
		break;
	case 'r':
		sort(t, BY_RATE);
		break;
	case 'n':
		sort(t, BY_NAME);
		break;
	case 'd':
		if (!in_list(t))
			top_mark(t);
		break;
	}
	return true;
}

static void show(struct top *t, double delay)
{
	const char *terminal = getenv("TERM");
	const char *no_color = getenv("NO_COLOR");
	int key;

	setlocale(LC_CTYPE, ""); /* names are UTF-8, as a rule */
	if (!newterm(NULL, stdout, stdin))
		cli_die("TERM is '%s', which is no known terminal; use "
			"'mpool stat --watch %g %llu'",
			terminal ? terminal : "", delay,
			(unsigned long long)t->page.pid);
	if (has_colors() && (!no_color || !*no_color)) {
		start_color();
		use_default_colors();
		init_pair(GOOD_COLOUR, COLOR_GREEN, -1);
		init_pair(BAD_COLOUR, COLOR_RED, -1);
		init_pair(HEAD_COLOUR, COLOR_CYAN, -1);
	}
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	timeout((int)(delay * 1000));
	do {
		look(t);
		top_rows(t);
		top_draw(t);
		key = getch();
	} while (take_key(t, key));
	endwin();
}

/* Which program, where there are several. */
static void ask_which(struct top *t)
{
	top_view(t, PROGRAMS_VIEW);
	top_rows(t);
	if (t->count < 2)
		top_view(t, CLASSES_VIEW);
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
	if (optind == argc)
		ask_which(&t);
	show(&t, delay);
	return CLI_OK;
}
