/* SPDX-License-Identifier: MIT */
/*
 * gzip.h - files that may be compressed.
 */
#ifndef MPOOL_GZIP_H
#define MPOOL_GZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * The text of a file ("-": stdin), decompressed if it is compressed, and a zero
 * behind it; not more of it than shows that it does not begin with `first`.
 * NULL: *wrong says why it cannot be read.
 */
char *gzip_read(const char *path, const char *first, size_t *length,
		const char **wrong);

/* Whether the name says that it is to be compressed. */
bool gzip_named(const char *name);

/* What goes through it is compressed; to be closed before `out` is. */
FILE *gzip_to(FILE *out);

/*
 * Puts a compressed file in the place of a regular one that belongs to this
 * user, with its mode.  Bytes of it; 0: it could not be done, and all is as it
 * was.
 */
uint64_t gzip_replace(const char *path);

#endif
