/* SPDX-License-Identifier: MIT */
/*
 * tick.h - what is looked after now and then, at the end of slow paths.
 */
#ifndef HEAP_TICK_H
#define HEAP_TICK_H

#include "base/common.h"

enum tick { TICK_SPACE, TICK_PAGE, TICKS };

/* NULL: nothing is to be looked after. */
extern HIDDEN void (*heap_tick)(void);

/* Called outside of locks. */
static inline void tick_now(void)
{
	void (*tick)(void) = __atomic_load_n(&heap_tick, __ATOMIC_ACQUIRE);

	if (unlikely(tick))
		tick();
}

/*
 * From now on `look` is called at the end of slow paths; it returns soon.  The
 * same one may be added again.  Takes no lock.
 */
void tick_add(enum tick tick, void (*look)(void));

#endif
