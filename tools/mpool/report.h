/* SPDX-License-Identifier: MIT */
/*
 * report.h - reports of crimes, as src/watch/guard_report.h has them, with the
 * lines of source.
 */
#ifndef MPOOL_REPORT_H
#define MPOOL_REPORT_H

#include <stdio.h>

/*
 * Copies the reports in `in`, which may be a log with other lines in between,
 * to `out`, and names their frames.  Returns how many there were.
 */
size_t report_put(FILE *out, FILE *in);

#endif
