/* SPDX-License-Identifier: MIT */
/*
 * forks.h - a table of fork in which there is the heap alone; and locks taken
 * as fork takes them.
 */
#ifndef UNIT_FORKS_H
#define UNIT_FORKS_H

#include "base/fork_table.h"
#include "heap/heap.h"

__attribute__((unused)) static void forks_know_the_heap(void)
{
	fork_filled_by(heap_fork);
}

/* To all locks in a part of the table. */
__attribute__((unused)) static void forks_act(fork_fill_t *part,
					      enum fork_act act)
{
	struct fork_table t = { .floor_count = 1 };

	part(&t);
	for (unsigned i = 0; i < t.row_count; i++)
		fork_act_row(&t.rows[i], act);
}

#endif
