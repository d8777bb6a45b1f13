/*
 * symbols.h - names of addresses, from the files that a profile names.
 *
 * By elfutils' libdw; separate debug files are found by build id.  A file
 * whose build id is not the profile's is not used, and that is said once.
 */
#ifndef MPOOL_SYMBOLS_H
#define MPOOL_SYMBOLS_H

#include "profile.h"

/* Of one frame.  function is never NULL; file may be, then line is 0. */
struct symbol {
	const char *function; /* demangled; else "module+0x1234" */
	const char *file;
	unsigned line;
};

struct symbols;

struct symbols *symbols_open(const struct profile *profile);

/*
 * The symbol of return address `address`; valid as long as `symbols`.
 * Answers are kept.
 */
const struct symbol *symbols_find(struct symbols *symbols, uint64_t address);

void symbols_close(struct symbols *symbols);

#endif
