/* SPDX-License-Identifier: MIT */
/*
 * profile_rows.h - the lines of a profile.
 */
#ifndef MPOOL_PROFILE_ROWS_H
#define MPOOL_PROFILE_ROWS_H

#include "profile.h"

/*
 * Adds what a line says, which is changed; any but the first and the last.
 * NULL, or what is wrong with it.
 */
const char *profile_read_line(struct profile *profile, char *line);

#endif
