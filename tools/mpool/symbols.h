/* SPDX-License-Identifier: MIT */
/*
 * symbols.h - names of addresses, from the files that a profile names.
 *
 * By elfutils' libdw; separate debug files are found by build id or the name
 * that the file has for them, beside it, in .debug or /usr/lib/debug, and by
 * debuginfod where DEBUGINFOD_URLS names a server.  A file whose build id is
 * not the profile's is not used, and that is said once.
 */
#ifndef MPOOL_SYMBOLS_H
#define MPOOL_SYMBOLS_H

#include "profile.h"

/*
 * Of one frame.  function is never NULL; file may be, then line is 0.  A
 * function that the compiler has inlined has a caller at the same address: one
 * address may be several frames.
 */
struct symbol {
	const char *function; /* demangled; else "module+0x1234" */
	const char *file;
	unsigned line;
	const struct symbol *caller; /* NULL: the code is this function's */
};

struct symbols;

struct symbols *symbols_open(const struct profile *profile);

/* From now on inlined functions are left out: lines are their callers'. */
void symbols_no_inline(struct symbols *symbols);

/*
 * The innermost function at return address `address`; valid as long as
 * `symbols`.  Answers are kept.
 */
const struct symbol *symbols_find(struct symbols *symbols, uint64_t address);

/*
 * From now on the functions at `address` that `matches` are left out; false:
 * that would be all, and they stay.
 */
bool symbols_leave_out(struct symbols *symbols, uint64_t address,
		       bool (*matches)(const struct symbol *symbol,
				       const void *data),
		       const void *data);

void symbols_close(struct symbols *symbols);

#endif
