/* SPDX-License-Identifier: MIT */
/*
 * fixed_cells.h - blocks of 4 KiB for a pool's magazines and fronts.
 */
#ifndef POOL_FIXED_CELLS_H
#define POOL_FIXED_CELLS_H

#include "base/common.h"
#include "mempool/pages.h"

enum { CELL_BYTES = 4096 };

/* All zeros but for the source: none yet.  Owner: the pool's lock. */
struct cells {
	struct mempool_pages *source;
	void **free; /* linked through their first word */
	char *fresh; /* cells of the last group that nobody had yet */
	char *end;   /* of that group */
	struct group *groups;
	size_t bytes;
};

/* A cell, aligned to its size, contents arbitrary; NULL: memory is out. */
void *cells_take(struct cells *c);

/* Kept for the next one who asks. */
void cells_give(struct cells *c, void *cell);

/*
 * Groups with no cell in use go back to the source.  Returns the bytes.
 * O(cells kept).
 */
size_t cells_trim(struct cells *c);

/* Back to the source, with all that was taken. */
void cells_destroy(struct cells *c);

#endif
