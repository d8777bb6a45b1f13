/* SPDX-License-Identifier: MIT */
/*
 * tick.c - what is looked after now and then, at the end of slow paths.
 */
#include "heap/tick.h"

void (*heap_tick)(void);

static void (*looks[TICKS])(void);

static ASIDE void look_at_all(void)
{
	for (int i = 0; i < TICKS; i++) {
		void (*look)(void) =
			__atomic_load_n(&looks[i], __ATOMIC_ACQUIRE);

		if (look)
			look();
	}
}

void tick_add(enum tick tick, void (*look)(void))
{
	if (__atomic_load_n(&looks[tick], __ATOMIC_RELAXED) == look)
		return;
	__atomic_store_n(&looks[tick], look, __ATOMIC_RELEASE);
	__atomic_store_n(&heap_tick, look_at_all, __ATOMIC_RELEASE);
}
