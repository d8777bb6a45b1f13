/* SPDX-License-Identifier: MIT */
/*
 * hard_stats.c - what the hardened heap holds: totals, and a row for objects of
 * similar sizes.
 */
#include "heap/hard_stats.h"

#include "heap/hard.h"
#include "heap/hard_alone.h"
#include "heap/hard_pile.h"

/* Rows of slots; those of what lies alone come after them. */
enum { SLOT_ROWS = HARD_ROWS - ALONE_ROWS };

static RARE unsigned row_of(unsigned c)
{
	size_t stride = hard_classes[c].room;
	unsigned log;

	if (stride <= 256)
		return (unsigned)(max_of(stride, (size_t)HARD_STEP) /
				  HARD_STEP) -
		       1;
	log = 63 - (unsigned)__builtin_clzll(stride - 1);
	if (stride <= 2048) /* 16 are of up to 256; two a doubling */
		return 16 + 2 * (log - 8) + (stride > (size_t)3 << (log - 1));
	return 22 + log - 11;
}

static RARE size_t most_of(unsigned row)
{
	if (row >= SLOT_ROWS)
		return alone_most[row - SLOT_ROWS];
	if (row < 16)
		return (row + 1) * HARD_STEP;
	if (row < 22)
		return (size_t)(row & 1 ? 4 : 3) << (7 + (row - 16) / 2);
	return (size_t)4096 << (row - 22);
}

static RARE void add_count(struct class_stats *s, struct hard_count *n)
{
	count_peak(n);
	s->allocs += n->allocs;
	s->frees += n->frees;
	s->live += n->allocs - n->frees;
	s->peak += n->peak;
	s->slabs += n->units;
	s->committed_bytes += n->mapped;
	s->asked_bytes += n->bytes;
	s->asked_peak_bytes += n->peak_bytes;
}

struct wanted {
	unsigned row;
	struct class_stats *stats;
};

static RARE void add_slots(struct arena *a, void *data)
{
	const struct wanted *w = data;

	for (unsigned c = 0; c < HARD_CLASSES && w->row < SLOT_ROWS; c++)
		if (hard_classes[c].room && row_of(c) == w->row)
			add_count(w->stats, &a->piles[c].served);
}

static RARE void add_alone(void *data)
{
	const struct wanted *w = data;

	if (w->row >= SLOT_ROWS)
		add_count(w->stats, &alone_served[w->row - SLOT_ROWS]);
}

RARE void hard_row_add(unsigned row, struct class_stats *stats)
{
	struct wanted wanted = { row, stats };

	stats->asked_bytes += stats->live * stats->size;
	stats->asked_peak_bytes += stats->peak * stats->size;
	stats->hardened = true;
	stats->size = most_of(row);
	hard_visit(add_slots, add_alone, &wanted);
}

RARE void hard_sum_up(struct hard_sum *sum)
{
	*sum = (struct hard_sum){ 0 };
	for (unsigned i = 0; i < HARD_ROWS; i++) {
		struct class_stats row = { 0 };

		hard_row_add(i, &row);
		sum->objects += row.live;
		sum->bytes += row.asked_bytes;
		sum->mapped += row.committed_bytes;
	}
}
