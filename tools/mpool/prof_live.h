/* SPDX-License-Identifier: MIT */
/*
 * prof_live.h - sampling, switched on and off in a program that runs.
 */
#ifndef MPOOL_PROF_LIVE_H
#define MPOOL_PROF_LIVE_H

#include <stdbool.h>
#include <stdint.h>

struct prof_live {
	bool start, stop;
	uint64_t period;
	double seconds; /* 0: --for was not given */
};

/* The values of --start (NULL: none), and of --for; die when they are bad. */
void prof_live_start(struct prof_live *live, const char *bytes);
void prof_live_for(struct prof_live *live, const char *time);

static inline bool prof_live_asks(const struct prof_live *live)
{
	return live->start || live->stop || live->seconds > 0;
}

/*
 * Does it to the process `what`, or dies.  Returns the profile's path when it
 * is to be shown; NULL: all has been said.
 */
const char *prof_live(const struct prof_live *live, const char *what);

#endif
