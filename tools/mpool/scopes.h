/* SPDX-License-Identifier: MIT */
/*
 * scopes.h - which functions of the source an address belongs to, by the debug
 * information of its file: the one whose code it is, and those inlined there.
 *
 * DWARF 2 to 5, split units included.
 */
#ifndef MPOOL_SCOPES_H
#define MPOOL_SCOPES_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>

enum { SCOPES_MOST = 64 };

/* Where the function was at that moment: in `line`, which may call the next. */
struct scope {
	char *name;	  /* as in the source, allocated; NULL: unknown */
	bool mangled;	  /* it was, in the file */
	const char *file; /* NULL: unknown, then line is 0 */
	unsigned line;
};

struct scopes;

struct scopes *scopes_open(Dwfl_Module *module);

/*
 * The functions at `address`, the innermost first; files are valid as long as
 * the module.  Returns how many, 0: no unit has code there.
 */
size_t scopes_find(struct scopes *scopes, uint64_t address,
		   struct scope found[SCOPES_MOST]);

#endif
