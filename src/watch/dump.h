/* SPDX-License-Identifier: MIT */
/*
 * dump.h - when statistics are written, and where to.
 */
#ifndef WATCH_DUMP_H
#define WATCH_DUMP_H

#include "base/common.h"
#include "watch/target.h"

enum dump_why {
	DUMP_ASKED,
	DUMP_AT_EXIT, /* threads may be halted */
	DUMP_CHECKED, /* so they may, and there is nothing to say at the end */
	DUMP_SAMPLED, /* a sample was taken, and may be the first */
	DUMP_NOW_AND_THEN,
	DUMP_LEAVING, /* a child may have begun to keep nothing yet */
};

/* Writes the profile to `target`.  Returns 0 or an errno; then target->why. */
typedef int dump_profile_writer(struct target *target, enum dump_why why);

/* Has the profile written with the statistics.  Before dump_start(). */
void dump_profile_by(dump_profile_writer *writer);

/*
 * Gets ready for what config.stats and config.stats_signal ask.  Called once,
 * at start.  A target that cannot be used is told on stderr now.
 */
void dump_start(void);

/*
 * If config.stats_signal asks, installs its handler and starts the thread
 * that writes for it; if not, that waits until the page asks.  After
 * dump_start(); allocates.
 */
void dump_signal_start(void);

/*
 * Writes the statistics to the configured target, or says once on stderr why
 * not.  Any thread, but no signal handler; errno stays.
 */
void dump_now(void);

/* The last time, if config.stats asks.  Waits 5 s at most for another dump. */
void dump_at_exit(void);

/*
 * The profile is to be kept from now on, whatever ends the process: at once,
 * if it has a file, or from the first sample on.  After recording has begun.
 */
void dump_keep_start(void);

/* For a thread that is about to take a sample.  Does not wait. */
void dump_keep(void);

/* Writes the profile for the last time, whatever ends the process. */
void dump_checked(void);

/* Before _exit: the same if leaks are looked for; if not, keeps what is new. */
void dump_leaving(void);

/*
 * Has the profile written from now on, when it is not, to where config.profile
 * says; and writes it now.  Return 0 or an errno; then *why says more.  Any
 * thread, but no signal handler.
 */
int dump_profile_start(dump_profile_writer *writer, const char **why);
int dump_profile_now(const char **why);

/* Where the profile is written to; "" when none is. */
const char *dump_profile(void);

/* In a new child, after the heap's; may allocate. */
void dump_fork_child(void);

/*
 * Writes the statistics to `target`: "stderr", a file name as in MPOOL_STATS,
 * or NULL for the configured one.  Returns 0, or -1 with errno: EDEADLK when
 * this thread is at it already, EINVAL when NULL and none is configured.
 */
int dump_to(const char *target);

#endif
