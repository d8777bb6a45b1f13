/* SPDX-License-Identifier: MIT */
/*
 * top.h - the rows that mpool top shows.
 */
#ifndef MPOOL_TOP_H
#define MPOOL_TOP_H

#include <limits.h>

#include "page.h"

enum view { CLASSES_VIEW, SITES_VIEW, THREADS_VIEW };

struct row {
	char name[PATH_MAX];
	double bytes, count; /* live */
	double total;	     /* bytes allocated; of threads: live */
	double rate;	     /* allocations a second, or bytes of total */
	uint64_t peak, stock, committed;
	double base_bytes, base_count; /* when the mark was set */
};

struct top {
	struct page page, before;
	char path[PATH_MAX];
	double seconds; /* between page and before */
	bool marked, by_rate, alive;
	enum view view;
	struct row *rows;
	size_t count, room;
	struct row *marked_rows;
	size_t marked_count;
	struct row *last_rows; /* of the profile before, of the same view */
	size_t last_count;
	uint64_t last_ms; /* the program's age then */
	const char *note; /* why there is nothing to see */
};

/* Makes the rows of the view, from the page and from a fresh profile. */
void top_rows(struct top *t);

/* Differences from now on; or no more. */
void top_mark(struct top *t);

/* Another view, without a mark. */
void top_view(struct top *t, enum view view);

#endif
