/* SPDX-License-Identifier: MIT */
/*
 * chance.h - numbers that look random, the same in each run.
 */
#ifndef UNIT_CHANCE_H
#define UNIT_CHANCE_H

#include <stddef.h>
#include <stdint.h>

/* xorshift64*; the state is not zero. */
static inline uint64_t chance(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 2685821657736338717u;
}

static inline size_t below(uint64_t *state, size_t limit)
{
	return (size_t)((chance(state) >> 32) * limit >> 32);
}

#endif
