/* SPDX-License-Identifier: MIT */
/*
 * label.h - labels that the user wants on all metrics: NAME=VALUE,...
 */
#ifndef BASE_LABEL_H
#define BASE_LABEL_H

#include "base/common.h"

enum { LABELS_MOST = 512 }; /* bytes of what label_next() walks */

/*
 * Reads `text`.  True: *labels is what label_next() walks, and stays; NULL for
 * no labels.  False: `*place` is the character, from 1, where it goes wrong;
 * *labels is as it was.
 */
bool label_read(const char *text, const char **labels, size_t *place);

/*
 * Whether what others have kept could be of label_read().  It ends with an
 * empty name, whatever else it is.
 */
bool label_sound(const char *labels);

/* A walk: *name and *value of the next label.  `at` NULL or at its end: false.
 */
bool label_next(const char **at, const char **name, const char **value);

#endif
