/* SPDX-License-Identifier: MIT */
/*
 * decay.h - how many free slabs are worth their memory.
 *
 * What rose within the last second or so may do it again: after a fall, as
 * much is kept, and it goes when a second went by in which the heap rose by
 * less.  What was in use for longer goes at once, for its page faults cost
 * little of the time that it served; so a program that falls silent after a
 * long life holds nothing back.
 *
 * Memory that is fresh says nothing about coming back: of such a rise,
 * DECAY_FRESH slabs are kept and no more.  The rise after that counts whole.
 *
 * Time is cut in epochs, and a rise counts from the least use of this epoch
 * and the last: so it is remembered for one to two of them.  Nobody but who
 * calls looks at the clock; where none did for two epochs, nothing is known.
 */
#ifndef HEAP_DECAY_H
#define HEAP_DECAY_H

#include "base/common.h"

enum {
	DECAY_EPOCH_MS = 750,
	DECAY_FRESH = 1024, /* 64 MiB */
};

/* In slabs; [0]: of this epoch, [1]: of the one before. */
struct decay {
	uint64_t since_ms; /* when this epoch began */
	size_t least[2];   /* in use */
	size_t rise[2];	   /* most that use rose by */
};

/* One more slab is in use, of fresh memory or not; `used` are now. */
static inline void decay_rise(struct decay *d, size_t used, bool fresh)
{
	size_t rise = used - min_of(d->least[0], d->least[1]);

	if (fresh)
		rise = min_of(rise, (size_t)DECAY_FRESH);
	d->rise[0] = max_of(d->rise[0], rise);
}

static inline void decay_fall(struct decay *d, size_t used)
{
	d->least[0] = min_of(d->least[0], used);
}

/* When the next epoch begins, and with it less may be worth keeping. */
static inline uint64_t decay_due(const struct decay *d)
{
	return d->since_ms + DECAY_EPOCH_MS;
}

/* Begins a new epoch when it is time. */
static inline void decay_look(struct decay *d, size_t used, uint64_t now_ms)
{
	bool late = now_ms - d->since_ms >= 2 * DECAY_EPOCH_MS;

	if (now_ms - d->since_ms < DECAY_EPOCH_MS)
		return;
	d->least[1] = late ? used : d->least[0];
	d->rise[1] = late ? 0 : d->rise[0];
	d->least[0] = used;
	d->rise[0] = 0;
	d->since_ms = now_ms;
}

/* How many free slabs are worth keeping. */
static inline size_t decay_worth(const struct decay *d)
{
	return max_of(d->rise[0], d->rise[1]);
}

#endif
