/* SPDX-License-Identifier: MIT */
/*
 * tally.h - a profile folded by names: one row for each way to an allocation.
 *
 * The row's key is what flame graphs are made of, "main;parse;malloc", the
 * outermost first.  Two profiles of different runs meet here, for names stay
 * what they are while addresses change.
 */
#ifndef MPOOL_TALLY_H
#define MPOOL_TALLY_H

#include "symbols.h"

/* Two for each view: 2 * view, and one more for the objects. */
enum value {
	LIVE_BYTES,
	LIVE_COUNT,
	PEAK_BYTES,
	PEAK_COUNT,
	TOTAL_BYTES,
	TOTAL_COUNT,
	BRIEF_BYTES,
	BRIEF_COUNT,
	VALUES,
};

/* What samples say about a sum; n is exact where the variance is 0. */
struct estimate {
	double n, variance, samples;
};

struct way {
	char *key;
	struct estimate value[VALUES];
	double before[VALUES]; /* what was taken away */
	double brief_ms;       /* sum of the ages of what was short-lived */
};

/* Sorted by key. */
struct tally {
	struct way *ways;
	size_t count;
	struct estimate sum[VALUES];
	double brief_ms;
	uint64_t lost; /* samples that the profiles do not have */
};

/* `sign` times: what is taken away, -1, is uncertain, too. */
void estimate_add(struct estimate *to, const struct estimate *e, double sign);

/* What a site's samples say. */
struct estimate tally_estimate(const struct site *site, enum value value);

/* Adds a profile, `sign` times: -1 for a base to compare with. */
void tally_add(struct tally *tally, const struct profile *profile,
	       struct symbols *symbols, double sign);

/* The first function of `key`; *rest is what follows, NULL at the end. */
size_t tally_first(const char *key, const char **rest);

const char *value_name(enum value value);
enum heap_view value_view(enum value value);

/* "1.5 MiB" or "12.3 k", with a sign if it is negative or `plus`. */
const char *value_human(enum value value, double n, bool plus);

/*
 * " +- 1.5 MiB", two standard deviations: the truth lies beyond once in twenty.
 * "" where that is nothing.
 */
const char *value_error(enum value value, double variance);

void tally_free(struct tally *tally);

#endif
