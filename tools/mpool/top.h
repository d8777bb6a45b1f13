/* SPDX-License-Identifier: MIT */
/*
 * top.h - what mpool top knows, its rows, and how they are drawn.
 */
#ifndef MPOOL_TOP_H
#define MPOOL_TOP_H

#include <limits.h>

#include "page.h"

#define TOP_KEYS                                                               \
	"  c, s, t            classes; sites and threads, of a sampled "       \
	"program\n"                                                            \
	"  p                  samples the program from now on; again: no "     \
	"more\n"                                                               \
	"  l                  programs; Enter takes the marked one\n"          \
	"  b, o, r, n         sort by bytes, objects, rate, name\n"            \
	"  arrows, page up and down, home, end\n"                              \
	"                     scroll\n"                                        \
	"  d                  differences from now on; again: absolute "       \
	"figures\n"                                                            \
	"  h, ?               the keys; any key goes back\n"                   \
	"  q                  quit\n"

enum view { CLASSES_VIEW, SITES_VIEW, THREADS_VIEW, PROGRAMS_VIEW };
/* Pairs of curses; where the terminal has none they are not used. */
enum top_colour { GOOD_COLOUR = 1, BAD_COLOUR, HEAD_COLOUR };

enum sort { BY_BYTES, BY_OBJECTS, BY_RATE, BY_NAME };

struct row {
	char name[PATH_MAX];		/* of programs: the page's path */
	char program[PROCESS_NAME];	/* of classes: "hardened", or "" */
	uint64_t pid, age_ms, resident; /* of programs */
	double bytes, count;		/* live */
	double total;			/* bytes allocated; of threads: live */
	double rate; /* allocations a second, or bytes of total */
	uint64_t peak, stock, committed;
	double base_bytes, base_count; /* when the mark was set */
};

struct top {
	struct page page, before;
	char path[PATH_MAX];
	double seconds;		 /* between page and before */
	uint64_t resident_bytes; /* now; 0: out of sight */
	bool marked, alive, help;
	enum view view;
	enum sort sort;
	struct row *rows;
	size_t count, room;
	size_t first;		    /* row shown */
	size_t chosen;		    /* of the programs */
	char chosen_path[PATH_MAX]; /* its page: rows change places */
	struct row *marked_rows;
	size_t marked_count;
	struct row *last_rows; /* of the profile before, of the same view */
	size_t last_count;
	uint64_t last_ms; /* the program's age then */
	const char *note; /* why there is nothing to see */
	const char *said; /* what came of the last key; NULL: nothing */
};

/* Makes the rows of the view, from the page and from a fresh profile. */
void top_rows(struct top *t);

/* Resident memory now; 0: out of sight, or it has ended. */
uint64_t top_resident(const struct page *page);

/* Differences from now on; or no more. */
void top_mark(struct top *t);

/* Another view, without a mark. */
void top_view(struct top *t, enum view view);

/* The whole screen; scrolls back where the rows end before it. */
void top_draw(struct top *t);

enum top_chart { LIVE_CHART, RESIDENT_CHART, CHARTS };

/* A line of the window: how much it was, from the start to now. */
void top_put_chart(const struct top *t, int y, enum top_chart chart);

/* Rows that the window has room for, one at least. */
size_t top_height(void);

#endif
