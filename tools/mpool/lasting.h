/* SPDX-License-Identifier: MIT */
/*
 * lasting.h - the samples of a program that had no time to write its profile.
 */
#ifndef MPOOL_LASTING_H
#define MPOOL_LASTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether it begins as watch/lasting.h says. */
bool lasting_is(const void *bytes, size_t length);

/*
 * The same as the lines of a profile, ended by a zero, to be freed; or NULL,
 * and in *wrong what is, at the byte *where.
 */
char *lasting_profile(const void *bytes, size_t length, size_t *text_length,
		      const char **wrong, uint64_t *where);

/*
 * The file to be read for `path`: one beside it, if its process was killed when
 * it had written a profile for somebody who asked, and went on.
 */
const char *lasting_path(const char *path);

/* The process has ended: its file takes the name that it had. */
void lasting_settle(const char *path);

#endif
