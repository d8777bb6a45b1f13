/* SPDX-License-Identifier: MIT */
/*
 * web_json.h - the stacks of profiles, as the script of a page reads them.
 *
 * Functions are numbered in the order of their names.  Stacks, the outermost
 * frame first, are sorted by functions, so each is said by what it has not in
 * common with the one before.
 */
#ifndef MPOOL_WEB_JSON_H
#define MPOOL_WEB_JSON_H

#include <stdio.h>

#include "web_stacks.h"

/*
 * Members of a JSON object, each with a comma behind it:
 *
 *   functions, files    names
 *   weights   numbers: of how many allocations one sample tells; negative
 *             where they are taken away
 *   frames    "FUNCTION,FILE,LINE;..."; FILE is empty where it is not known
 *   stacks    "KEPT,FRAME,...:SITE|SITE...;...": KEPT frames are those of the
 *             stack before.  A site is SIZE,WEIGHT,LIVE,PEAK,TOTAL,BRIEF,AGES,
 *             without zeros at the end: counts of samples, and ms.
 *   leaks     "STACK,STATE,COUNT,BYTES,VARIANCE,OLDEST_MS;..."
 */
void web_json_stacks(FILE *out, const struct web_stacks *s);

/* A string in quotes, harmless in HTML, too. */
void web_json_string(FILE *out, const char *text);

#endif
