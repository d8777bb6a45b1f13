/* SPDX-License-Identifier: MIT */
/*
 * filter.h - the part of a profile that is asked for.
 */
#ifndef MPOOL_FILTER_H
#define MPOOL_FILTER_H

#include "symbols.h"

struct filter_pattern;

/* All zero: everything. */
struct filter {
	struct filter_pattern *focus, *hide;
	uint64_t min, max;	 /* sizes; max 0: any */
	uint64_t min_ms, max_ms; /* ages of what lives; max_ms 0: any */
	uint64_t *threads;	 /* that allocated it; none: any */
	size_t thread_count;
};

/*
 * Adds REGEX, the value of `option`, to a list; a line about what is wrong
 * with it, and exit.
 */
void filter_add(struct filter_pattern **list, const char *option,
		const char *regex);

/* Reads MIN..MAX, MIN.. or ..MAX; the same. */
void filter_sizes(struct filter *filter, const char *option, const char *value);

/* Reads ages in seconds, MIN..MAX, MIN.. or ..MAX; the same. */
void filter_ages(struct filter *filter, const char *option, const char *value);

/* Adds the number of a thread; the same. */
void filter_thread(struct filter *filter, const char *option,
		   const char *value);

/* Whether it asks for ages or threads, which are known of what lives alone. */
bool filter_asks_of_live(const struct filter *filter);

/* Whether it leaves anything out. */
bool filter_asks(const struct filter *filter);

/*
 * Takes from a profile and its names what is not asked for.  Dies, naming
 * `path`, when the profile does not know what that is.
 */
void filter_apply(const struct filter *filter, struct profile *profile,
		  struct symbols *symbols, const char *path);

#endif
