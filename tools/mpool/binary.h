/* SPDX-License-Identifier: MIT */
/*
 * binary.h - the files that code is in, and their debug information.
 *
 * Each is opened once: processes of one program, whose profiles are added up,
 * have it at addresses of their own.  They stay open till the end.
 */
#ifndef MPOOL_BINARY_H
#define MPOOL_BINARY_H

#include <stdbool.h>
#include <stdint.h>

#include "elf_names.h"
#include "profile.h"
#include "scopes.h"

struct binary;

/*
 * The file of a mapping; NULL: it is not here, or no such file.  *shift: what
 * is to be added to an address of the profile for the functions below.
 */
struct binary *binary_at(const struct profile *profile,
			 const struct mapping *mapping, uint64_t *shift);

/* Whether that is its build id, in hex; "-": unknown. */
bool binary_is(const struct binary *binary, const char *build_id);

struct scopes *binary_scopes(struct binary *binary);
const struct elf_names *binary_names(struct binary *binary);

/* Where what the profile calls `file` is here; `path`: PATH_MAX bytes. */
void binary_path(const struct profile *profile, const char *file, char *path);

#endif
