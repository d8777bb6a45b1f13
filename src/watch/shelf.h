/* SPDX-License-Identifier: MIT */
/*
 * shelf.h - an array that grows and never moves, in memory of its own.
 *
 * Elements are appended, numbered from 1, and stay where they are: board k
 * holds 2^(k + SHELF_FIRST) of them.  Nothing is taken from malloc.  Owner:
 * the caller's lock; readers of elements need none.  All zeros is an empty one;
 * each call names the bytes of an element.
 */
#ifndef WATCH_SHELF_H
#define WATCH_SHELF_H

#include "base/common.h"

enum { SHELF_FIRST = 9, SHELF_BOARDS = 23 };

struct shelf {
	uint32_t count;
	char *boards[SHELF_BOARDS];
};

/* The number of a new zeroed element; 0 when memory or numbers are out. */
uint32_t shelf_add(struct shelf *shelf, size_t element);

/* Element `number`, 1..count. */
static inline void *shelf_at(const struct shelf *shelf, uint32_t number,
			     size_t element)
{
	uint32_t n = number - 1 + (1u << SHELF_FIRST);
	unsigned board = 31u - (unsigned)__builtin_clz(n) - SHELF_FIRST;

	return shelf->boards[board] +
	       (size_t)(n - (1u << (board + SHELF_FIRST))) * element;
}

#endif
