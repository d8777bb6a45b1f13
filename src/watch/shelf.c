/* SPDX-License-Identifier: MIT */
/*
 * shelf.c - an array that grows and never moves.
 */
#include "watch/shelf.h"

#include "base/sys.h"

uint32_t shelf_add(struct shelf *shelf, size_t element)
{
	uint32_t n = shelf->count + (1u << SHELF_FIRST);
	unsigned board = 31u - (unsigned)__builtin_clz(n) - SHELF_FIRST;

	if (board >= SHELF_BOARDS)
		return 0;
	if (!shelf->boards[board]) {
		size_t bytes = (element << SHELF_FIRST) << board;
		void *memory = sys_map_named(round_up(bytes, sys_page()),
					     "mpool record");

		if (!memory)
			return 0;
		shelf->boards[board] = memory;
	}
	return ++shelf->count;
}
