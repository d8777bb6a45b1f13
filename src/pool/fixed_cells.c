/* SPDX-License-Identifier: MIT */
/*
 * fixed_cells.c - blocks of 4 KiB for a pool's magazines and fronts.
 *
 * They come in groups, aligned to their size, which are kept until a trim.  A
 * cell that was never asked for is not touched.
 */
#include "pool/fixed_cells.h"

#include "pool/pages.h"

enum { GROUP_CELLS = 15, GROUP_BYTES = (1 + GROUP_CELLS) * CELL_BYTES };

/* The first cell of a group.  idle: cells nobody has; 0 but in a trim. */
struct group {
	struct group *next;
	size_t got;
	unsigned idle;
};

static bool add_group(struct cells *c)
{
	size_t got;
	struct group *g = pages_take(c->source, GROUP_BYTES, GROUP_BYTES, &got);

	if (!g)
		return false;
	*g = (struct group){ c->groups, got, 0 };
	c->groups = g;
	c->bytes += got;
	c->fresh = (char *)g + CELL_BYTES;
	c->end = (char *)g + GROUP_BYTES;
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

static struct group *group_of(const void *cell)
{
	return pages_block_of(cell, GROUP_BYTES);
}

static bool is_idle(const void *cell)
{
	return group_of(cell)->idle == GROUP_CELLS;
}

static void count_idle(struct cells *c)
{
	for (void **cell = c->free; cell; cell = *cell)
		group_of(cell)->idle++;
	for (char *cell = c->fresh; cell != c->end; cell += CELL_BYTES)
		group_of(cell)->idle++;
}

/* Cells of idle groups leave the list. */
static void forget_idle(struct cells *c)
{
	void **kept = NULL, **next;

	for (void **cell = c->free; cell; cell = next) {
		next = *cell;
		if (is_idle(cell))
			continue;
		*cell = kept;
		kept = cell;
	}
	c->free = kept;
	if (c->fresh != c->end && is_idle(c->fresh))
		c->fresh = c->end = NULL;
}

size_t cells_trim(struct cells *c)
{
	struct group **link = &c->groups, *g;
	size_t bytes = 0;

	count_idle(c);
	forget_idle(c);
	while ((g = *link)) {
		if (g->idle < GROUP_CELLS) {
			g->idle = 0;
			link = &g->next;
			continue;
		}
		*link = g->next;
		bytes += g->got;
		pages_give(c->source, g, g->got);
	}
	c->bytes -= bytes;
	return bytes;
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
