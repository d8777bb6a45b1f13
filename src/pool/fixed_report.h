/* SPDX-License-Identifier: MIT */
/*
 * fixed_report.h - statistics, checks and fork of pools with a center.
 */
#ifndef POOL_FIXED_REPORT_H
#define POOL_FIXED_REPORT_H

#include "pool/fixed_center.h"

/* Members of struct roster_kind. */
void report_stats(struct roster_entry *e, struct mempool_stats *s);
void report_fork(struct roster_entry *e, enum lock_rank rank,
		 enum fork_act act);

/* `c` NULL: all zeros.  `stats` NULL: nothing. */
void report_show(struct center *c, struct mempool_stats *stats);

/* Ends the program when an invariant does not hold. */
void report_check(struct center *c);

#endif
