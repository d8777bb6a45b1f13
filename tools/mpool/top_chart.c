/* SPDX-License-Identifier: MIT */
/*
 * top_chart.c - memory over time as a line of blocks, by the page's history.
 */
#include <langinfo.h>
#include <ncurses.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "top.h"

enum { LABEL = 34, WIDEST = 240, HEIGHTS = 8 };

static const char *block(unsigned height)
{
	static const char *const blocks[HEIGHTS + 1] = { " ", "▁", "▂",
							 "▃", "▄", "▅",
							 "▆", "▇", "█" };
	static const char *const ascii[HEIGHTS + 1] = { " ", "_", ".", ":", "-",
							"=", "+", "*", "#" };

	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? blocks[height]
							  : ascii[height];
}

static uint64_t value_of(const struct moment *m, enum top_chart chart)
{
	return chart == LIVE_CHART ? m->live_bytes : m->resident_bytes;
}

/* The most in a part of the program's life; what was, where nothing was seen.
 */
static uint64_t most_between(const struct history *h, enum top_chart chart,
			     double from_ms, double to_ms)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < h->count; i++) {
		uint64_t value = value_of(&h->moments[i], chart);

		if ((double)h->moments[i].age_ms > to_ms)
			break;
		if ((double)h->moments[i].age_ms < from_ms || value > most)
			most = value;
	}
	return most;
}

void top_put_chart(const struct top *t, int y, enum top_chart chart)
{
	const struct history *h = &t->page.history;
	int width = COLS - LABEL > WIDEST ? WIDEST : COLS - LABEL;
	double first, span;
	uint64_t most;
	char label[LABEL + 32];

	if (!h->count || width < 1)
		return;
	first = (double)h->moments[0].age_ms;
	span = (double)h->moments[h->count - 1].age_ms - first;
	most = most_between(h, chart, first, first + span);
	snprintf(label, sizeof label, "%s, at most %s in %.0f s",
		 chart == LIVE_CHART ? "live" : "resident", cli_bytes(most),
		 span / 1000);
	mvaddnstr(y, 0, label, LABEL);
	move(y, LABEL);
	for (int x = 0; x < width && most; x++) {
		uint64_t value =
			most_between(h, chart, first + span * x / width,
				     first + span * (x + 1) / width);

		addstr(block((unsigned)((double)value * HEIGHTS / (double)most +
					0.5)));
	}
}
