/*
 * fixed_cells.c - blocks of 4 KiB for a pool's magazines and fronts.
 *
 * They come in groups, which are kept until the pool dies.  A cell that was
 * never asked for is not touched.
 */
#include "pool/fixed_cells.h"

#include "pool/pages.h"

enum { GROUP_BYTES = 16 * CELL_BYTES };

/* The first cell of a group. */
struct group {
	struct group *next;
	size_t got;
};

static bool add_group(struct cells *c)
{
	size_t got;
	struct group *g = pages_take(c->source, GROUP_BYTES, CELL_BYTES, &got);

	if (!g)
		return false;
	g->got = got;
	g->next = c->groups;
	c->groups = g;
	c->bytes += got;
	c->fresh = (char *)g + CELL_BYTES;
	c->end = (char *)g + got;
	return true;
}

void *cells_take(struct cells *c)
{
	void **cell = c->free;

	if (cell) {
		c->free = *cell;
		return cell;
	}
	if (c->fresh == c->end && !add_group(c))
		return NULL;
	cell = (void **)c->fresh;
	c->fresh += CELL_BYTES;
	return cell;
}

void cells_give(struct cells *c, void *cell)
{
	*(void **)cell = c->free;
	c->free = cell;
}

void cells_destroy(struct cells *c)
{
	while (c->groups) {
		struct group *g = c->groups;

		c->groups = g->next;
		pages_give(c->source, g, g->got);
	}
	c->free = NULL;
	c->fresh = c->end = NULL;
}
