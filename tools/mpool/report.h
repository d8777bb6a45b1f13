/* SPDX-License-Identifier: MIT */
/*
 * report.h - what mpool report shows: reports of crimes, as
 * src/watch/guard_report.h has them, with the lines of source; and profiles.
 */
#ifndef MPOOL_REPORT_H
#define MPOOL_REPORT_H

#include <stdio.h>

/*
 * Copies the reports in `in`, which may be a log with other lines in between,
 * to `out`, and names their frames.  Returns how many there were.
 */
size_t report_put(FILE *out, FILE *in);

/*
 * Writes a page of profiles, each a file or a process that is asked for its
 * own, to `to`; NULL: beside the first of them, or stdout if that is stdin.
 * base: what is compared with, or NULL.
 */
void report_page(const char *to, const char *base, char **files, size_t count);

#endif
