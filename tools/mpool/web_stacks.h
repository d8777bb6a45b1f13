/* SPDX-License-Identifier: MIT */
/*
 * web_stacks.h - the stacks of profiles, as the script of a page reads them.
 *
 * Functions and files have numbers, functions in the order of their names; a
 * frame is function, file and line.  Stacks, the outermost frame first, are
 * sorted by functions, so each is said by what it has not in common with the
 * one before.
 */
#ifndef MPOOL_WEB_STACKS_H
#define MPOOL_WEB_STACKS_H

#include <stdio.h>

#include "symbols.h"

struct web_stacks;

struct web_stacks *web_stacks_new(void);

/*
 * Adds a profile, `sign` times: -1 for a base to compare with.  root: the
 * outermost function of all its stacks, or NULL.
 */
void web_stacks_add(struct web_stacks *s, const struct profile *profile,
		    struct symbols *symbols, double sign, const char *root);

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
void web_stacks_put(FILE *out, const struct web_stacks *s);

/* A string in quotes, harmless in HTML, too. */
void web_string(FILE *out, const char *text);

void web_stacks_free(struct web_stacks *s);

#endif
